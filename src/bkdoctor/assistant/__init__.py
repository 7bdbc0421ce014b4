"""The MCP server: what assistants ask bkdoctor, and the bounded answers that they get."""
