//! az-mcp
