"""The kinds of tasks; `irkit.registry.TASKS` names them by the field of a suite that says what is measured on."""
