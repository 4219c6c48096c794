"""What the OpenAPI document says of everything that operations share: headers, parameters, problems, examples."""
