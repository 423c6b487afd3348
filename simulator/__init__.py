"""A MEXC spot exchange to run at home: REST, websocket and faults on demand."""
