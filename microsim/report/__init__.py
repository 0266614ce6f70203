"""The answer on paper and screen: tables, workbook, page."""
