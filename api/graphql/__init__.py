"""GraphQL over the same operations, lists and objects as REST."""
