"""The private stream of the account: listenKeys, and the frames it pushes."""
