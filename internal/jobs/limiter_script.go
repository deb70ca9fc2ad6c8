package jobs

import "github.com/redis/go-redis/v9"

// The scripts of the Limiter. Each is one question, so one round trip, and the
// only one to look at the hash while it runs. All times are Redis' own, in
// microseconds since 1970, so workers' clocks need not agree; nothing has to run
// in the background, since what has become of a state is told by its times.
//
//	KEYS[1]  the account's hash
//	ARGV[1]  the time, or 0 for Redis' own; the rest is said at each script
//
// Fields of the hash, all of which may be missing:
//
//	next            when the next slot is
//	held            when the hold ends
//	percent, since  the eased rate, and from when on it recovers
//	urgent          until when an interactive document is expected to ask
//	window          the latest outcomes, oldest first: u (up) or d (down)
//	wait            the time between probes; there while the breaker is open
//	after           when the next probe may go
//	probe, token    when the last probe was permitted, how long it keeps others out
//	closed          when the breaker closed

// scriptHead is what all scripts begin with.
const scriptHead = `
local key, now = KEYS[1], tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local kept, all = {}, redis.call('HGETALL', key)
for i = 1, #all, 2 do kept[all[i]] = all[i + 1] end

local function number(field, otherwise) return tonumber(kept[field] or otherwise or 0) end

-- A time that cannot lie so far ahead is not one: Redis' clock was set back.
local function time(field, longest)
  local at = number(field)
  if at > now + longest then return 0 end
  return at
end

local held = number('held')

-- As decimal digits: a number that Lua writes itself may lose some.
local function set(field, value) redis.call('HSET', key, field, string.format('%.0f', value)) end

-- An hour after its last use nothing in the hash means anything.
local function keep() redis.call('PEXPIRE', key, string.format('%.0f', math.max(0, held - now) / 1000 + 3600000)) end

-- Close the breaker.
local function close()
  redis.call('HDEL', key, 'wait', 'after', 'probe', 'token')
  kept.wait, kept.after, kept.probe, kept.token = nil, nil, nil, nil
  set('closed', now)
  kept.closed = now
end

-- Note outcomes, and open the breaker when too many of the latest are down.
local function note(outcomes)
  local window = string.sub((kept.window or '') .. outcomes, -20)
  local _, down = string.gsub(window, 'd', '')
  if #window >= 10 and down * 100 >= 80 * #window then
    redis.call('HDEL', key, 'window')
    kept.window, kept.wait, kept.after = nil, 1000000, now + 1000000
    set('wait', kept.wait)
    set('after', kept.after)
  else
    redis.call('HSET', key, 'window', window)
    kept.window = window
  end
end

-- Note so many calls of the caller that were answered, the last of them so long ago.
-- An answer closes the breaker, unless a call has failed since.
local function answered(n, ago)
  if n == 0 then return end
  if not kept.wait then
    note(string.rep('u', n))
  elseif now - ago >= number('after') - number('wait') then
    close()
  end
end

local function open() return kept.wait and 1 or 0 end

local function percent()
  local steps = math.max(0, math.floor((now - number('since')) / 30000000))
  return math.min(100, number('percent', 100) + 5 * steps)
end
`

// permitScript gives away the next slot (GCRA without a burst), if it is near
// enough. It returns {1, time until the slot, 1 for an open breaker} or {0, time until
// asking again, the same}.
//
//	ARGV[2]  interval between slots at the permitted rate, 0 for no limit
//	ARGV[3]  how far ahead a slot is given away
//	ARGV[4]  1 for an interactive document
//	ARGV[5]  how long a probe keeps others out
//	ARGV[6]  the longest time until the caller asks again
//	ARGV[7]  how late an interactive caller may be
//	ARGV[8]  how many calls of the caller were answered that it has not told of
//	ARGV[9]  how long ago the last of them was
//
//nolint:gochecknoglobals // constants
var permitScript = redis.NewScript(scriptHead + `
local least, ahead, urgent = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local probing, nap, grace = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local interval = math.ceil(least * 100 / percent())
answered(tonumber(ARGV[8]), tonumber(ARGV[9]))

local slot = math.max(now, held, time('next', ahead + 10 * least))
if kept.wait then slot = math.max(slot, time('after', 60000000), time('token', ahead + probing)) end

-- A slot that an interactive document waits for is passed over by the others.
local yields = not urgent and time('urgent', nap + grace) > now
if yields then slot = slot + interval end

if yields or slot - now > ahead then
  local again = math.max(1000, slot - ahead - now)
  if urgent then
    set('urgent', now + math.min(again, nap) + grace)
    keep()
  end
  return {0, again, open()}
end
if interval > 0 then set('next', slot + interval) end
if urgent then redis.call('HDEL', key, 'urgent') end
if kept.wait then
  set('probe', now)
  set('token', slot + probing)
end
keep()
return {1, slot - now, open()}`)

// holdScript holds the fleet. The rate is eased by the first of the holds that
// overlap: those of calls that were under way together are one burst.
//
//	ARGV[2]  for how long
//	ARGV[3]  1 if there is a rate to ease
//
//nolint:gochecknoglobals // constants
var holdScript = redis.NewScript(scriptHead + `
if ARGV[3] == '1' and held <= now then set('percent', math.max(10, math.floor(percent() * 70 / 100))) end
local till = now + tonumber(ARGV[2])
if till > held then
  held = till
  set('held', till)
  set('since', till)
end
keep()
return {1}`)

// reportScript notes the outcome of a call, and opens or closes the breaker. A
// failed call that was under way when the breaker last opened or closed says
// nothing new; an answer does. It returns {1 for an open breaker}.
//
//	ARGV[2]  down or unknown
//	ARGV[3]  how long ago the call began
//	ARGV[4]  how many calls of the caller were answered that it has not told of, before
//	         this one or with it
//	ARGV[5]  how long ago the last of them was
//
//nolint:gochecknoglobals // constants
var reportScript = redis.NewScript(scriptHead + `
local outcome, began = ARGV[2], now - tonumber(ARGV[3])
answered(tonumber(ARGV[4]), tonumber(ARGV[5]))
if kept.wait then
  -- Half a second for clocks that do not run alike. No other call began so late.
  if kept.token and began >= number('probe') - 500000 then
    redis.call('HDEL', key, 'token')
    if outcome == 'down' then
      local wait = math.min(60000000, 2 * number('wait'))
      set('wait', wait)
      set('after', now + wait)
    end
  end
elseif outcome == 'down' and began >= number('closed') then
  note('d')
end
keep()
return {open()}`)

// stateScript returns {percent of the rate, time held, 1 for an open breaker}.
//
//nolint:gochecknoglobals // constants
var stateScript = redis.NewScript(scriptHead + `
return {percent(), math.max(0, held - now), open()}`)
