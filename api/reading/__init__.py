"""Read side of the API: pages, exports, statistics, and the story of each listing."""
