package workercli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"casflow/internal/jobs"
)

// mostMemory is how much of its memory, in percent, Redis may have used: when it
// is full, no task can even be taken from the queue.
const mostMemory = 70

func (c *doctorCommand) checkRedis(ctx context.Context) []finding {
	client, err := jobs.OpenRedis(ctx, c.Redis.URL)
	if err != nil {
		return []finding{broken("redis", err)}
	}
	findings := redisFindings(ctx, client)
	if err := client.Close(); err != nil {
		findings = append(findings, bad(levelWarn, "redis", "", "the connection cannot be closed: %v", err))
	}
	return findings
}

// redisFindings asks a Redis that can be reached; of a cluster, each master. A
// check that fails there is why a worker does not start. What cannot be read is
// worth a warning and no more: managed servers and stand-ins do not tell all.
func redisFindings(ctx context.Context, client redis.UniversalClient) []finding {
	servers, err := jobs.ReadRedisFacts(ctx, client)
	if err != nil {
		return []finding{bad(levelWarn, "redis", "see whether it is overloaded", "its state cannot be read: %v", err)}
	}
	var findings []finding
	for _, facts := range servers {
		for _, f := range serverFindings(facts) {
			if facts.Addr != "" {
				f.Found = "node " + facts.Addr + ": " + f.Found
			}
			findings = append(findings, f)
		}
	}
	return findings
}

func serverFindings(facts jobs.RedisFacts) []finding {
	if facts.Mode == "sentinel" {
		return []finding{bad(levelFail, "redis", "write REDIS_URL as redis-sentinel://HOST,HOST/0?master=NAME",
			"a Sentinel answers, which holds no data")}
	}
	findings := []finding{versionFinding(facts), policyFinding(facts), memoryFinding(facts), persistenceFinding(facts), redisClockFinding(facts)}
	if facts.Mode != "cluster" { // of whose nodes the memory tells
		findings = append(findings, writesFinding(facts))
	}
	if facts.FailsOver {
		findings = append(findings, replicasFinding(facts))
	}
	return findings
}

func versionFinding(facts jobs.RedisFacts) finding {
	const name = "redis"
	old, known := facts.TooOld()
	switch {
	case old:
		return bad(levelFail, name, "use Redis 6.2 or newer", "version %s answers, which loses dead letters of the queue", facts.Version)
	case facts.Role == "slave":
		return bad(levelFail, name, "let REDIS_URL name the primary, or its sentinels", "version %s answers, but it is a replica, which takes no writes", facts.Version)
	case facts.Partial:
		return bad(levelFail, name, "write REDIS_URL as redis-cluster://HOST,HOST", "one node of a cluster answers, which has only some of the keys")
	case facts.Unserved:
		return bad(levelFail, name, "see which node is down (CLUSTER NODES), and why nothing took its place", "the cluster does not serve all of its slots")
	case !known:
		return bad(levelWarn, name, "make sure that it is 6.2 or newer", "it answers, but its version cannot be read%s", withheld(facts, "INFO"))
	default:
		return good(name, "version %s answers", facts.Version)
	}
}

func policyFinding(facts jobs.RedisFacts) finding {
	const name = "redis-policy"
	switch facts.Policy {
	case jobs.PolicyNoEviction:
		return good(name, "maxmemory-policy is noeviction")
	case "":
		return bad(levelWarn, name, "make sure that it is noeviction", "maxmemory-policy cannot be read%s", withheld(facts, "INFO", "CONFIG"))
	default:
		return bad(levelFail, name, "set it to noeviction", "maxmemory-policy is %s: Redis throws tasks away when its memory is full", facts.Policy)
	}
}

// makeRoom is what to do about a Redis that is full.
const makeRoom = "raise maxmemory (CONFIG SET maxmemory, and in its configuration), or remove what else is in there"

func memoryFinding(facts jobs.RedisFacts) finding {
	const name = "redis-memory"
	percent, known := facts.MemoryPercent()
	switch {
	case facts.Full() && !facts.Writable():
		return bad(levelFail, name, makeRoom, "%d%% of maxmemory (%s) are used: Redis takes no writes, and nothing is queued or called for", percent, megabytes(facts.MaxMemory))
	case known && percent > mostMemory:
		return bad(levelWarn, name, "raise maxmemory, or remove what else is in there: a full Redis stops the queue",
			"%d%% of maxmemory (%s) are used", percent, megabytes(facts.MaxMemory))
	case known:
		return good(name, "%d%% of maxmemory (%s) are used", percent, megabytes(facts.MaxMemory))
	case facts.MaxMemory == 0:
		return good(name, "no maxmemory is set")
	default:
		return bad(levelWarn, name, "make sure that it has room", "use and maxmemory cannot be read%s", withheld(facts, "INFO"))
	}
}

func writesFinding(facts jobs.RedisFacts) finding {
	const name = "redis-writes"
	remedy := makeRoom
	switch reason, _, _ := strings.Cut(facts.Refusal, " "); {
	case reason == "" && slices.Contains(facts.Withheld, "SET"):
		return bad(levelWarn, name, "make sure that it does", "whether it takes writes cannot be told%s", withheld(facts, "SET"))
	case reason == "":
		return good(name, "it takes writes")
	case reason == "READONLY":
		remedy = "let REDIS_URL name the primary, or its sentinels"
	case reason == "MISCONF":
		remedy = "see Redis' log, and its disk"
	case reason == "NOREPLICAS":
		remedy = "bring its replicas back, or lower min-replicas-to-write"
	}
	return bad(levelFail, name, remedy, "a write is refused: %s", facts.Refusal)
}

func persistenceFinding(facts jobs.RedisFacts) finding {
	const name, remedy = "redis-persistence", "set appendonly yes: after a restart, all that was queued has to be queued again"
	switch {
	case facts.SaveFailed:
		return bad(levelWarn, name, "see Redis' log, and its disk: Redis may refuse writes", "the last write to disk failed")
	case facts.Persistence == jobs.PersistenceAOF:
		return good(name, "each write is logged (appendonly)")
	case facts.Persistence == jobs.PersistenceRDB:
		return good(name, "snapshots are taken; appendonly yes would keep the last minutes too")
	case facts.Persistence == jobs.PersistenceOff:
		return bad(levelWarn, name, remedy, "nothing is kept on disk")
	default:
		return bad(levelWarn, name, "make sure that appendonly is on", "whether it keeps anything cannot be read%s", withheld(facts, "INFO", "CONFIG"))
	}
}

// replicasFinding is about a server whose place a replica would take.
func replicasFinding(facts jobs.RedisFacts) finding {
	const name = "redis-replicas"
	switch {
	case facts.Replicas > 0:
		return good(name, "%d would take its place", facts.Replicas)
	case facts.Replicas == 0:
		return bad(levelWarn, name, "bring its replica back: nothing takes its place when it dies", "no replica is in step")
	default:
		return bad(levelWarn, name, "make sure that it has one", "its replicas cannot be read%s", withheld(facts, "INFO"))
	}
}

func redisClockFinding(facts jobs.RedisFacts) finding {
	const name = "redis-clock"
	if slices.Contains(facts.Withheld, "TIME") {
		return bad(levelWarn, name, "make sure that it is set by NTP", "its clock cannot be read%s", withheld(facts, "TIME"))
	}
	return clockFinding(name, facts.Skew)
}

// withheld says which of the commands Redis refused, if it did.
func withheld(facts jobs.RedisFacts, commands ...string) string {
	refused := slices.DeleteFunc(commands, func(command string) bool { return !slices.Contains(facts.Withheld, command) })
	if len(refused) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s is refused)", strings.Join(refused, ", "))
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
