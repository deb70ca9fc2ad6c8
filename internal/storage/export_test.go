package storage

// StandingQueries are the queries of Standing, for tests of what they cost.
func StandingQueries() map[string]string {
	return map[string]string{
		"Counts": standingCountsSQL, "Oldest": standingOldestSQL, "Unknown": standingUnknownSQL,
		"Account": standingAccountSQL, "Recent": standingRecentSQL,
	}
}

// AppendField writes a value as it is copied in and compared.
func AppendField(cast string, cell any) (field []byte, ok bool) {
	return column{cast: cast}.appendField(nil, cell)
}
