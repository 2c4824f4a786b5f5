"""The windows: what people look at; today the queries behind the command's tables."""
