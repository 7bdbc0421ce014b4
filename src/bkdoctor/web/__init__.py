"""The page to paste a log into: a form, and the report as HTML; nothing is stored."""
