"""The page of the nation for everyone: what may be shown (`shown`), the page's content, its charts, tables and HTML."""
