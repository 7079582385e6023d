"""What a run leaves behind: records, tables, figures and pages."""
