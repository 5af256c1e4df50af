"""The search behind the pass `plan-memory`: where in one arena each value lives."""
