"""The life of a process: signals, logs, metrics, health, memory."""
