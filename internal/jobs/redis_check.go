package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// PolicyNoEviction is the maxmemory-policy that a queue needs: with any other, a
// Redis whose memory is full throws tasks away.
const PolicyNoEviction = "noeviction"

// The values of RedisFacts.Persistence.
const (
	PersistenceUnknown = ""
	PersistenceOff     = "off"
	PersistenceRDB     = "rdb" // snapshots: the last minutes are lost in a crash
	PersistenceAOF     = "aof" // a log of all writes
)

// RedisFacts is what one Redis server tells of itself. What it does not tell is
// empty: managed servers keep CONFIG to themselves, stand-ins lack INFO.
type RedisFacts struct {
	Addr    string // HOST:PORT of a cluster's node, or of the master that sentinels name; "" where there is one server
	Version string // such as "7.0.15"
	Mode    string // standalone, cluster or sentinel
	Role    string // master or slave
	Policy  string // maxmemory-policy
	// UsedMemory and MaxMemory are in bytes, -1 where unknown. A MaxMemory of 0 is
	// no limit.
	UsedMemory, MaxMemory int64
	Evicted               int64 // keys thrown away for want of memory, as far as it is told
	// FailsOver is whether Sentinel or a cluster puts a replica in the server's place
	// when it dies, and Replicas how many would do, -1 where unknown.
	FailsOver bool
	Replicas  int
	// Unserved is whether the cluster, as this node sees it, has slots that nobody
	// serves, and Partial whether it has several masters, of which the client knows
	// this one only.
	Unserved, Partial bool

	Persistence string
	SaveFailed  bool // the last write to disk failed
	// Refusal is what the server says to a write that it does not take, because it is
	// full, say; "" where it takes writes, and where that is not known: of a cluster's
	// node, and where SET is withheld.
	Refusal string
	// Skew is how far the server's clock is ahead of ours, at the least (see
	// storage.Skew). It means nothing where TIME is withheld.
	Skew time.Duration
	// Withheld are the commands that the server refuses, of INFO, CONFIG, TIME, SET,
	// CLIENT and CLUSTER.
	Withheld []string
}

// ReadRedisFacts asks a Redis about itself: where there are sentinels, the master
// that they name; of a cluster, each of its masters. A command that Redis refuses is
// no error, but noted in Withheld: the error means that Redis did not answer.
func ReadRedisFacts(ctx context.Context, client redis.UniversalClient) ([]RedisFacts, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		facts, err := readFacts(ctx, client, time.Now)
		single, ok := client.(*redis.Client)
		switch {
		case !ok || err != nil:
		case single.Options().Addr == failoverAddr:
			err = askMaster(ctx, single, &facts)
		case facts.Mode == "cluster":
			err = askNode(ctx, single, &facts)
		}
		return []RedisFacts{facts}, err
	}
	var (
		mu    sync.Mutex
		nodes []RedisFacts
	)
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		facts, err := readFacts(ctx, node, time.Now)
		if err == nil {
			err = askNode(ctx, node, &facts)
		}
		facts.FailsOver, facts.Partial, facts.Addr = true, false, node.Options().Addr
		if err != nil {
			return fmt.Errorf("node %s: %w", node.Options().Addr, err)
		}
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, facts)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask the nodes of the cluster: %w", err)
	}
	slices.SortFunc(nodes, func(a, b RedisFacts) int { return strings.Compare(a.Addr, b.Addr) })
	return nodes, nil
}

func readFacts(ctx context.Context, server redis.Cmdable, now func() time.Time) (RedisFacts, error) {
	var withheld []string
	info, err := server.Info(ctx).Result()
	if err = note(&withheld, "INFO", err); err != nil {
		return RedisFacts{}, err
	}
	facts := factsOf(info)
	settings, err := server.ConfigGet(ctx, "maxmemory-policy").Result()
	if err = note(&withheld, "CONFIG", err); err != nil {
		return facts, err
	}
	if policy := settings["maxmemory-policy"]; policy != "" {
		facts.Policy = policy
	}
	if facts.Persistence != PersistenceAOF { // INFO does not tell whether snapshots are taken
		settings, err = server.ConfigGet(ctx, "save").Result()
		if err = note(&withheld, "CONFIG", err); err != nil {
			return facts, err
		}
		facts.snapshots(settings)
	}
	before := now()
	told, err := server.Time(ctx).Result()
	if err = note(&withheld, "TIME", err); err != nil {
		return facts, err
	}
	facts.Skew = storage.Skew(before, told, now())
	if facts.Mode != "cluster" && facts.Mode != "sentinel" { // which know nothing of the key
		// Of a key that never exists: it changes nothing, and is refused as any write is.
		err = server.SetXX(ctx, "casflow:probe", "", 0).Err()
		switch {
		case errors.Is(err, redis.Nil):
		case refusesWrites(err):
			facts.Refusal = err.Error()
		default:
			if err = note(&withheld, "SET", err); err != nil {
				return facts, err
			}
		}
	}
	facts.Withheld = withheld
	return facts, nil
}

// note keeps the name of a command that was refused, once; other errors are
// returned.
func note(withheld *[]string, command string, err error) error {
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[redis.Error](err); !refused {
		return fmt.Errorf("ask Redis for %s: %w", command, err)
	}
	if !slices.Contains(*withheld, command) {
		*withheld = append(*withheld, command)
	}
	return nil
}

// factsOf reads what INFO tells, of any version: a field that it does not have
// stays unknown.
func factsOf(info string) RedisFacts {
	fields := fieldsOf(info)
	facts := RedisFacts{
		Version: fields["redis_version"], Mode: fields["redis_mode"], Role: fields["role"], Policy: fields["maxmemory_policy"],
		UsedMemory: factCount(fields["used_memory"]), MaxMemory: factCount(fields["maxmemory"]),
		Evicted:    max(0, factCount(fields["evicted_keys"])),
		SaveFailed: fields["rdb_last_bgsave_status"] == "err" || fields["aof_last_write_status"] == "err",
	}
	if fields["aof_enabled"] == "1" {
		facts.Persistence = PersistenceAOF
	}
	if facts.Replicas = -1; fields["connected_slaves"] != "" {
		facts.Replicas = strings.Count(info, ",state=online,")
	}
	return facts
}

// fieldsOf reads lines of NAME:VALUE.
func fieldsOf(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(name, "#") {
			fields[name] = value
		}
	}
	return fields
}

// snapshots notes what the setting "save" of a Redis without a log means; that
// it is not there means nothing.
func (f *RedisFacts) snapshots(settings map[string]string) {
	switch save, told := settings["save"]; {
	case !told:
	case strings.TrimSpace(save) == "":
		f.Persistence = PersistenceOff
	default:
		f.Persistence = PersistenceRDB
	}
}

// factCount reads a number of bytes or keys; -1 is none.
func factCount(text string) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return n
	}
	return -1
}

// TooOld reports whether the server is older than Redis 6.2, in which a task that
// is dead-lettered half-way stays neither here nor there: asynq's script for it
// needs ZRANGE BYSCORE. The answer is known only where the version is.
func (f RedisFacts) TooOld() (old, known bool) {
	const wantMajor, wantMinor = 6, 2
	first, rest, _ := strings.Cut(f.Version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, majorErr := strconv.Atoi(first)
	minor, minorErr := strconv.Atoi(second)
	if majorErr != nil || minorErr != nil {
		return false, false
	}
	return major < wantMajor || major == wantMajor && minor < wantMinor, true
}

// MemoryPercent is how much of the memory that Redis may use is used; known only
// where both are told and there is a limit.
func (f RedisFacts) MemoryPercent() (percent int64, known bool) {
	if f.UsedMemory < 0 || f.MaxMemory <= 0 {
		return 0, false
	}
	return f.UsedMemory / max(f.MaxMemory/100, 1), true
}

// Full reports whether the memory that Redis may use is used up, and nothing may be thrown
// away for what is new.
func (f RedisFacts) Full() bool {
	percent, known := f.MemoryPercent()
	return known && percent >= 100 && f.Policy == PolicyNoEviction
}

// Writable reports whether Redis takes writes, as far as is known.
func (f RedisFacts) Writable() bool {
	if f.Mode == "cluster" || slices.Contains(f.Withheld, "SET") {
		return !f.Full() // a write was not tried
	}
	return f.Refusal == ""
}
