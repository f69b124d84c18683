"""The pages, a module for each part."""
