"""Contract with consumers, derived from models and topology: schemas, the AsyncAPI document, frozen versions."""
