"""Read side of the API: pages, exports, statistics, and the way of each listing."""
