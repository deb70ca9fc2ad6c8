package casapi_test

import (
	"testing"

	"casflow/internal/casapi"
)

func TestValue_Date(t *testing.T) {
	t.Parallel()
	assertReadings(t, casapi.Value.Date, unknown(), wrongKinds(), []reading{
		{name: "ISO", in: `"2025-04-01"`, want: "2025-04-01"},
		{name: "Spaces", in: `" 2025-04-01\n"`, want: "2025-04-01"},
		{name: "LeapDay", in: `"2024-02-29"`, want: "2024-02-29"},
		{name: "MonthName", in: `"01-Apr-2025"`, want: "2025-04-01"},
		{name: "MonthNameCapitals", in: `"1-APR-2025"`, want: "2025-04-01"},
		{name: "Slashes", in: `"02/04/2025"`, want: "2025-04-02"},
		{name: "Timestamp", in: `"2025-05-01T10:20:30.123456"`, want: "2025-05-01"},
		{name: "TimestampStaysOnItsDay", in: `"2025-05-01T23:59:59-11:00"`, want: "2025-05-01"},
		{name: "TimestampUTC", in: `"2025-05-01 00:00:00Z"`, want: "2025-05-01"},
		{name: "FirstYear", in: `"0001-01-01"`, want: "0001-01-01"},
		{name: "LastDay", in: `"9999-12-31"`, want: "9999-12-31"},

		{name: "Feb31", in: `"2025-02-31"`, bad: true},
		{name: "Feb31MonthName", in: `"31-Feb-2025"`, bad: true},
		{name: "Feb31Slashes", in: `"31/02/2025"`, bad: true},
		{name: "Feb31Timestamp", in: `"2025-02-31T10:00:00"`, bad: true},
		{name: "NoLeapDay", in: `"2100-02-29"`, bad: true},
		{name: "MonthFirst", in: `"04/13/2025"`, bad: true},
		{name: "YearZero", in: `"0000-01-01"`, bad: true},
		{name: "YearZeroMonthName", in: `"01-Jan-0000"`, bad: true},
		{name: "TwoDigitYear", in: `"01-Apr-25"`, bad: true},
		{name: "FiveDigitYear", in: `"12025-04-01"`, bad: true},
		{name: "Month", in: `"2025-04"`, bad: true},
		{name: "Words", in: `"April 2025"`, bad: true},
		{name: "Dots", in: `"01.04.2025"`, bad: true},
		{name: "Compact", in: `20250401`, bad: true},
		{name: "Epoch", in: `1743465600`, bad: true},
		{name: "Hyphen", in: `"-"`, bad: true},
		{name: "Followed", in: `"2025-04-01 to 2025-04-30"`, bad: true},
		{name: "True", in: `true`, bad: true},
	})
}

func TestValue_Time(t *testing.T) {
	t.Parallel()
	assertReadings(t, casapi.Value.Time, unknown(), wrongKinds(), []reading{
		{name: "UTC", in: `"2025-05-01T10:20:30Z"`, want: "2025-05-01T10:20:30Z"},
		{name: "Fraction", in: `"2025-05-01T10:20:30.120450Z"`, want: "2025-05-01T10:20:30.12045Z"},
		{name: "OtherOffset", in: `"2025-05-01T10:20:30-04:00"`, want: "2025-05-01T10:20:30-04:00"},
		{name: "OffsetWithoutColon", in: `"2025-05-01T10:20:30+0530"`, want: "2025-05-01T10:20:30+05:30"},
		{name: "SpacedOffset", in: `"2025-05-01 10:20:30 +05:30"`, want: "2025-05-01T10:20:30+05:30"},
		{name: "LowerCase", in: `"2025-05-01t10:20:30z"`, want: "2025-05-01T10:20:30Z"},
		{name: "NoSecondsUTC", in: `"2025-05-01T10:20Z"`, want: "2025-05-01T10:20:00Z"},
		// Without a zone it is Indian time.
		{name: "Naive", in: `"2025-05-01T10:20:30"`, want: "2025-05-01T10:20:30+05:30"},
		{name: "NaiveFraction", in: `"2025-05-01T10:20:30.123456"`, want: "2025-05-01T10:20:30.123456+05:30"},
		{name: "NaiveSpace", in: `"2025-05-01 10:20:30"`, want: "2025-05-01T10:20:30+05:30"},
		{name: "NaiveNoSeconds", in: `"2025-05-01T10:20"`, want: "2025-05-01T10:20:00+05:30"},
		{name: "DateOnly", in: `"2025-05-01"`, want: "2025-05-01T00:00:00+05:30"},

		{name: "Feb31", in: `"2025-02-31T10:20:30Z"`, bad: true},
		{name: "Feb31DateOnly", in: `"2025-02-31"`, bad: true},
		{name: "Hour24", in: `"2025-05-01T24:00:00Z"`, bad: true},
		{name: "LeapSecond", in: `"2025-06-30T23:59:60Z"`, bad: true},
		{name: "CommaFraction", in: `"2025-05-01T10:20:30,5Z"`, bad: true},
		{name: "FarOffset", in: `"2025-05-01T10:20:30+14:30"`, bad: true},
		{name: "FarOffsetWest", in: `"2025-05-01T10:20:30-15:00"`, bad: true},
		{name: "BeforeYearOne", in: `"0001-01-01T01:00:00"`, bad: true},
		{name: "AfterYear9999", in: `"9999-12-31T23:59:59-01:00"`, bad: true},
		{name: "MonthName", in: `"01-May-2025"`, bad: true},
		{name: "ZoneName", in: `"2025-05-01T10:20:30 IST"`, bad: true},
		{name: "Separator", in: `"2025-05-01_10:20:30"`, bad: true},
		{name: "NotASCII", in: `"2025-05-0१T10:20:30"`, bad: true},
		{name: "Epoch", in: `1743465600`, bad: true},
	})
}
