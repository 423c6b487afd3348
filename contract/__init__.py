"""The public contract, derived from the models and the topology: schemas, the AsyncAPI document, frozen versions."""
