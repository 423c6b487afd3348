"""What several tests share: data, stand-ins, and what starts the real things."""
