"""The built-in restorers, one module or package each; they never import each other."""
