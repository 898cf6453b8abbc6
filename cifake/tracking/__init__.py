"""Write runs to MLflow; the only package that does. What a run holds is declared in ``cifake.contract``."""
