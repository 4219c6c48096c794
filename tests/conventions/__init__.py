"""What holds for the whole code base: registries, budgets, the direction of imports."""
