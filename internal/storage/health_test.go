package storage_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestDB_Health(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	got, err := db.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings := storagetest.Rows(t, address, `SELECT current_setting('server_version'), current_setting('server_version_num'),
		current_setting('max_connections')`)[0]
	most, err := strconv.Atoi(settings[2])
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != settings[0] || strconv.Itoa(got.VersionNumber) != settings[1] || got.ReadOnly || got.PoolSize != 8+3 {
		t.Errorf("Health() = %+v, want version %s (%s), writable, 8 connections", got, settings[0], settings[1])
	}
	if got.MaxConnections < 1 || got.MaxConnections >= most { // some are reserved
		t.Errorf("Health() = %+v, want fewer than %d connections", got, most)
	}
	if got.UsedConnections < 0 || got.UsedConnections > most {
		t.Errorf("Health() = %+v, want up to %d connections in use", got, most)
	}
}

func TestDB_Health_ReadOnly(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(storagetest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("default_transaction_read_only", "on")
	address.RawQuery = query.Encode()
	db, err := storage.Open(t.Context(), address.String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if got, err := db.Health(t.Context()); err != nil || !got.ReadOnly || got.PoolSize != 1+3 {
		t.Errorf("Health() = %+v, %v, want a read-only server and one connection", got, err)
	}
}

func TestDB_Health_Closed(t *testing.T) {
	t.Parallel()
	db, err := storage.Open(t.Context(), storagetest.URL(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if got, err := db.Health(t.Context()); err == nil {
		t.Errorf("Health() of a closed pool = %+v, want an error", got)
	}
}

func TestHealth_Skew(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 5, 2, 1, 0, 0, 0, time.UTC)
	answered := asked.Add(2 * time.Second)
	for name, test := range map[string]struct {
		told time.Time
		want time.Duration
	}{
		"Between":   {asked.Add(time.Second), 0},
		"AtOnce":    {asked, 0},
		"AtLast":    {answered, 0},
		"Ahead":     {answered.Add(time.Minute), time.Minute},
		"Behind":    {asked.Add(-time.Minute), -time.Minute},
		"OtherZone": {asked.Add(time.Second).In(time.FixedZone("IST", 19800)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := storage.Skew(asked, test.told, answered); got != test.want {
				t.Errorf("Skew() = %s, want %s", got, test.want)
			}
		})
	}
}
