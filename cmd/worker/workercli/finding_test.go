package workercli

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

// told is a finding as the doctor writes it.
func told(f finding) string { return string(f.Level) + " " + f.String() }

func TestFindings(t *testing.T) {
	t.Parallel()
	const refusedAll = "INFO, CONFIG"
	withheld := jobs.RedisFacts{MaxMemory: -1, UsedMemory: -1, Withheld: []string{"INFO", "CONFIG", "TIME"}}
	for name, test := range map[string]struct {
		got  finding
		want string // its beginning
	}{
		"Redis/Old":       {versionFinding(jobs.RedisFacts{Version: "5.0.7", Role: "master"}), "fail version 5.0.7 answers, which loses dead letters of the queue; use Redis 6.2 or newer"},
		"Redis/Good":      {versionFinding(jobs.RedisFacts{Version: "6.2.0", Role: "master"}), "ok version 6.2.0 answers"},
		"Redis/Replica":   {versionFinding(jobs.RedisFacts{Version: "7.0.15", Role: "slave"}), "fail version 7.0.15 answers, but it is a replica"},
		"Redis/Unknown":   {versionFinding(withheld), "warn it answers, but its version cannot be read (INFO is refused); make sure"},
		"Redis/Partial":   {versionFinding(jobs.RedisFacts{Version: "7.0.15", Role: "master", Mode: "cluster", Partial: true}), "fail one node of a cluster answers, which has only some of the keys; write REDIS_URL as redis-cluster://"},
		"Redis/OneMaster": {versionFinding(jobs.RedisFacts{Version: "7.0.15", Role: "master", Mode: "cluster"}), "ok version 7.0.15 answers"},
		"Redis/Unserved":  {versionFinding(jobs.RedisFacts{Version: "7.0.15", Role: "master", Mode: "cluster", Unserved: true}), "fail the cluster does not serve all of its slots; see which node is down"},
		"Replicas/Two":    {replicasFinding(jobs.RedisFacts{Replicas: 2}), "ok 2 would take its place"},
		"Replicas/None":   {replicasFinding(jobs.RedisFacts{}), "warn no replica is in step; bring its replica back"},
		"Replicas/Secret": {replicasFinding(jobs.RedisFacts{Replicas: -1, Withheld: []string{"INFO"}}), "warn its replicas cannot be read (INFO is refused)"},
		"Redis/Sentinel":  {serverFindings(jobs.RedisFacts{Mode: "sentinel", Version: "7.0.15"})[0], "fail a Sentinel answers, which holds no data; write REDIS_URL as redis-sentinel://"},
		"Policy/Refused":  {policyFinding(withheld), "warn maxmemory-policy cannot be read (" + refusedAll + " is refused)"},
		"Policy/Volatile": {policyFinding(jobs.RedisFacts{Policy: "volatile-ttl"}), "fail maxmemory-policy is volatile-ttl"},
		"Memory/Full":     {memoryFinding(jobs.RedisFacts{UsedMemory: 71 << 20, MaxMemory: 100 << 20}), "warn 71% of maxmemory (100 MB) are used; raise maxmemory"},
		"Memory/NoRoom":   {memoryFinding(jobs.RedisFacts{UsedMemory: 1 << 20, MaxMemory: 1 << 20, Policy: jobs.PolicyNoEviction, Refusal: "OOM"}), "fail 100% of maxmemory (1 MB) are used: Redis takes no writes, and nothing is queued or called for; raise maxmemory"},
		"Memory/FullNode": {memoryFinding(jobs.RedisFacts{UsedMemory: 1 << 20, MaxMemory: 1 << 20, Policy: jobs.PolicyNoEviction, Mode: "cluster"}), "fail 100% of maxmemory (1 MB) are used"},
		"Writes/Taken":    {writesFinding(jobs.RedisFacts{}), "ok it takes writes"},
		"Writes/Full":     {writesFinding(jobs.RedisFacts{Refusal: "OOM command not allowed"}), "fail a write is refused: OOM command not allowed; raise maxmemory (CONFIG SET maxmemory, and in its configuration)"},
		"Writes/Disk":     {writesFinding(jobs.RedisFacts{Refusal: "MISCONF Redis is configured to save"}), "fail a write is refused: MISCONF Redis is configured to save; see Redis' log, and its disk"},
		"Writes/Alone":    {writesFinding(jobs.RedisFacts{Refusal: "NOREPLICAS Not enough"}), "fail a write is refused: NOREPLICAS Not enough; bring its replicas back"},
		"Writes/Replica":  {writesFinding(jobs.RedisFacts{Refusal: "READONLY You can't"}), "fail a write is refused: READONLY You can't; let REDIS_URL name the primary"},
		"Writes/Withheld": {writesFinding(jobs.RedisFacts{Withheld: []string{"SET"}}), "warn whether it takes writes cannot be told (SET is refused)"},
		"Memory/Room":     {memoryFinding(jobs.RedisFacts{UsedMemory: 70 << 20, MaxMemory: 100 << 20}), "ok 70% of maxmemory (100 MB) are used"},
		"Memory/NoLimit":  {memoryFinding(jobs.RedisFacts{UsedMemory: 1}), "ok no maxmemory is set"},
		"Memory/Unknown":  {memoryFinding(withheld), "warn use and maxmemory cannot be read (INFO is refused)"},
		"Disk/Failed":     {persistenceFinding(jobs.RedisFacts{SaveFailed: true, Persistence: jobs.PersistenceAOF}), "warn the last write to disk failed; see Redis' log"},
		"Disk/AOF":        {persistenceFinding(jobs.RedisFacts{Persistence: jobs.PersistenceAOF}), "ok each write is logged"},
		"Disk/RDB":        {persistenceFinding(jobs.RedisFacts{Persistence: jobs.PersistenceRDB}), "ok snapshots are taken"},
		"Disk/Off":        {persistenceFinding(jobs.RedisFacts{Persistence: jobs.PersistenceOff}), "warn nothing is kept on disk; set appendonly yes"},
		"Disk/Unknown":    {persistenceFinding(withheld), "warn whether it keeps anything cannot be read (" + refusedAll + " is refused)"},
		"Clock/Refused":   {redisClockFinding(withheld), "warn its clock cannot be read (TIME is refused)"},
		"Clock/Good":      {redisClockFinding(jobs.RedisFacts{Skew: mostSkew}), "ok within 5s of this machine's clock"},
		"Clock/Ahead":     {clockFinding("clock", 65*time.Second), "warn 1m5s ahead of this machine's clock; set both clocks by NTP"},
		"Clock/Behind":    {clockFinding("clock", -5001*time.Millisecond), "warn 5.001s behind this machine's clock"},

		"Postgres/Good":     {serverFinding(storage.Health{Version: "17.5", VersionNumber: 170005}), "ok version 17.5 answers"},
		"Postgres/Old":      {serverFinding(storage.Health{Version: "13.3", VersionNumber: 130003}), "warn version 13.3 answers, which is older"},
		"Postgres/Standby":  {serverFinding(storage.Health{Version: "17.5", VersionNumber: 170005, ReadOnly: true}), "fail version 17.5 answers, but takes no writes; let DATABASE_URL name the primary"},
		"Connections/Some":  {connectionsFinding(storage.Health{MaxConnections: 97, UsedConnections: 89, PoolSize: 8}), "ok 8 of 97 are free, each process uses up to 8"},
		"Connections/Few":   {connectionsFinding(storage.Health{MaxConnections: 97, UsedConnections: 90, PoolSize: 8}), "warn 7 of 97 are free, each process uses up to 8; raise max_connections"},
		"Connections/None":  {connectionsFinding(storage.Health{MaxConnections: 97, UsedConnections: 99, PoolSize: 8}), "warn 0 of 97 are free"},
		"Room/Enough":       {roomFinding("/tmp", 320<<20, 320<<20), "ok /tmp has 320 MB free, of which documents take up to 320 MB"},
		"Room/Little":       {roomFinding("/tmp", 320<<20-1, 320<<20), "warn /tmp has 319 MB free, of which documents take up to 320 MB; make room"},
		"Room/NotWritable":  {checkTemporary(filepath.Join(t.TempDir(), "missing"), 1)[0], "fail open "},
		"OneLine":           {broken("api", errors.New("one\n  two\tZZZPA0001Z")), "fail one two ZZ*******Z"},
		"KeyFile/Forbidden": {refusalFinding(config.API{KeyFile: "/run/key"}, errors.New("no")), "fail "},
	} {
		if got := told(test.got); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// A part that takes connections and never answers is told of in the end, like one
// that is away. go-redis keeps to time limits of its own, so it is left out.
func TestLimited(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	at := silent.Addr().String()
	c := doctorCommand{
		Postgres: config.Postgres{URL: redact.Secret("postgres://u:hush@" + at + "/casflow?sslmode=disable"), MaxConns: 1},
		API:      config.API{BaseURL: "http://" + at, Key: "sk_hush", Timeout: time.Minute, FileField: "file"},
		S3:       config.S3{Endpoint: "http://" + at, ForcePathStyle: true},
	}
	for name, check := range map[string]check{
		"Postgres": c.checkPostgres, "API": c.checkAPI,
		"S3": func(ctx context.Context) []finding { return c.checkS3(ctx, "statements", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := limited(t.Context(), 20*time.Millisecond, check)
			if len(got) != 1 || got[0].Level != levelFail || strings.Contains(told(got[0]), "hush") {
				t.Errorf("findings %+v, want that it failed", got)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestReport_CannotBeWritten(t *testing.T) {
	t.Parallel()
	lines := report{out: brokenWriter{}}
	if err := lines.add(good("api", "well")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("add() = %v, want the writer's error", err)
	}
	whole := report{out: brokenWriter{}, asJSON: true}
	if err := errors.Join(whole.add(good("api", "well")), whole.end()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("end() = %v, want the writer's error", err)
	}
}

func TestDoctor_Interrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if code := Run(ctx, []string{"doctor"}, &out, &out); code != config.ExitInterrupted || out.Len() > 0 {
		t.Errorf("exit code %d, told %q, want %d and nothing", code, out.String(), config.ExitInterrupted)
	}
}
