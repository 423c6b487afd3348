"""Process lifecycle: signals, logs, metrics, health, memory."""
