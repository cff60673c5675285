-- Commits a step: everything in it, or nothing.
--
-- KEYS: meta, positions, outbox, the lists of changes of the topics that the step has entries of, then the keys that it
-- writes to. No others: while a slot of a cluster moves, a script waits for each key that is not there.
-- ARGV: token, source, begin, end, first, commits so far ('' if not known),
--       check the owner, the position, the holes ('1' or '0' each),
--       published, how many changes to keep in each topic, the numbers of the topics of the lists,
--       first sequence, number of entries, number of their arguments, these arguments,
--       then for each write: operation, number of its key, count, number of arguments, the arguments.
-- Where count and number of arguments differ, each argument is a MessagePack array of at most CHUNK values: a client
-- may send no more than a million arguments.
--
-- Whatever can fail is looked at before the first write: fences, types of keys, lengths of lists. The first write is
-- an HINCRBY, which Redis refuses when it is full, read-only or its disk fails; after a script's first write, it refuses
-- nothing any more. Redis writes the effects of a script to its AOF as one MULTI … EXEC, and when it reads the AOF
-- again it drops a MULTI that has no EXEC: so a commit is whole after a kill -9 as well.
--
-- But it leaves the whole commands of a MULTI without EXEC in the file. What is written behind them is done together
-- with them when the file is read once more: part of a commit that was never answered comes back, and the commit that
-- took its place comes on top. Embedded stores and deploy/redis.sh cut them off before anything is written. For any
-- other Redis the commits that began are counted one by one ('begun'), while 'commits' is set: where the two differ,
-- that has happened.

local CHUNK = 4000 -- even (HSET wants pairs), and below what Lua's unpack can take
local FIXED = 15
local NEEDS = { put = 'hash', remove = 'hash', append = 'list', shorten = 'list', assign = 'list', replace = 'string' }

local meta, positions, outbox = KEYS[1], KEYS[2], KEYS[3]
local keep, first_sequence = tonumber(ARGV[11]), tonumber(ARGV[13])
local entry_count = tonumber(ARGV[14])
local entry_args = tonumber(ARGV[15])
local program = FIXED + entry_args + 1

local lists, next_key = {}, 4
for topic in string.gmatch(ARGV[12], '%d+') do
    lists[tonumber(topic)] = KEYS[next_key]
    next_key = next_key + 1
end

local kinds = {}
local function wrong_kind(key, need)
    if kinds[key] == nil then
        kinds[key] = redis.call('TYPE', key)['ok']
    end
    if kinds[key] ~= 'none' and kinds[key] ~= need then
        return true
    end
    kinds[key] = need
    return false
end

if wrong_kind(meta, 'hash') then return { 'kind', meta, kinds[meta] } end
if wrong_kind(positions, 'hash') then return { 'kind', positions, kinds[positions] } end
if wrong_kind(outbox, 'list') then return { 'kind', outbox, kinds[outbox] } end
for _, key in pairs(lists) do
    if wrong_kind(key, 'list') then return { 'kind', key, kinds[key] } end
end

-- 1. The fences.
local stored = redis.call('HMGET', meta, 'token', 'commits', 'sequence', 'begun')
local commits = tonumber(stored[2] or '0')
local sequence = tonumber(stored[3] or '0')
local position = redis.call('HGET', positions, ARGV[2]) or '0'
if ARGV[7] == '1' and stored[1] ~= ARGV[1] then
    return { 'owner', stored[1] or '' }
end
if ARGV[8] == '1' then
    if position ~= ARGV[3] then
        return { 'position', position }
    end
    if ARGV[6] ~= '' and commits ~= tonumber(ARGV[6]) then
        return { 'commits', string.format('%.0f', commits) }
    end
    if entry_count > 0 and first_sequence ~= sequence + 1 then
        return { 'sequence', string.format('%.0f', sequence) }
    end
end
if ARGV[9] == '1' and ARGV[5] ~= ARGV[3] then
    return { 'hole', '' }
end

if stored[4] and tonumber(stored[4]) ~= commits then
    return { 'torn' }
end

-- 2. Everything else that could fail: the type of each key, and the length of a list where an index is set.
local lengths = {}
local at = program
while at <= #ARGV do
    local op, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
    local need = NEEDS[op]
    if op == 'drop' then
        kinds[key] = 'none'
        lengths[key] = 0
    else
        if wrong_kind(key, need) then return { 'kind', key, kinds[key] } end
        if need == 'list' then
            local length = lengths[key] or redis.call('LLEN', key)
            if op == 'append' then
                length = length + count
            elseif op == 'shorten' then
                length = math.max(0, length - count)
            elseif count >= length then
                return { 'index', key, string.format('%.0f', length) }
            end
            lengths[key] = length
        end
    end
    at = at + 4 + tonumber(ARGV[at + 3])
end

-- And the lists: which entries go to which, and the last one that leaves each. An entry begins with version, number of its
-- topic, flags, epoch and number.
local by_topic, over, last_gone = {}, {}, {}
for topic in pairs(lists) do by_topic[topic] = {} end
for i = FIXED + 1, FIXED + entry_args do
    for _, entry in ipairs(entry_args == entry_count and { ARGV[i] } or cmsgpack.unpack(ARGV[i])) do
        table.insert(by_topic[string.byte(entry, 2)], entry)
    end
end
for topic, key in pairs(lists) do
    local length = redis.call('LLEN', key)
    over[topic] = math.min(length + #by_topic[topic] - keep, length)
    if over[topic] > 0 then
        local oldest = redis.call('LRANGE', key, over[topic] - 1, over[topic] - 1)[1]
        local _, _, _, epoch, number = struct.unpack('<BBBI4I8', oldest)
        last_gone[topic] = string.format('%.0f-%.0f', epoch, number)
    end
end

-- 3. The writes.
local function each_chunk(command, key, from, args, count)
    if args == count then
        for i = from, from + args - 1, CHUNK do
            redis.call(command, key, unpack(ARGV, i, math.min(i + CHUNK, from + args) - 1))
        end
    else
        for i = from, from + args - 1 do
            redis.call(command, key, unpack(cmsgpack.unpack(ARGV[i])))
        end
    end
end

commits = commits + 1
redis.call('HINCRBY', meta, 'begun', stored[4] and 1 or commits) -- an older state counted none
redis.call('HSET', positions, ARGV[2], ARGV[4])
redis.call('HSET', meta, 'commits', string.format('%.0f', commits),
    'sequence', string.format('%.0f', entry_count > 0 and first_sequence + entry_count - 1 or sequence))

at = program
while at <= #ARGV do
    local op, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
    local args, from = tonumber(ARGV[at + 3]), at + 4
    if op == 'put' then
        each_chunk('HSET', key, from, args, count)
    elseif op == 'remove' then
        each_chunk('HDEL', key, from, args, count)
    elseif op == 'append' then
        each_chunk('RPUSH', key, from, args, count)
    elseif op == 'shorten' then
        redis.call('LTRIM', key, count, -1)
    elseif op == 'assign' then
        redis.call('LSET', key, count, ARGV[from])
    elseif op == 'replace' then
        redis.call('SET', key, ARGV[from])
    elseif op == 'drop' then
        redis.call('DEL', key)
    end
    at = from + args
end

-- The outbox holds the last sequence numbers without gaps, so its length says where it begins.
local kept = redis.call('LLEN', outbox)
local published = math.min(math.max(tonumber(ARGV[10]) - sequence + kept, 0), kept)
if published > 0 then redis.call('LTRIM', outbox, published, -1) end
each_chunk('RPUSH', outbox, FIXED + 1, entry_args, entry_count)

-- The same entries are kept for readers, published or not: of each topic the last ones.
for topic, key in pairs(lists) do
    local entries = by_topic[topic]
    if over[topic] > 0 then
        redis.call('HSET', meta, 'trimmed:' .. topic, last_gone[topic])
        redis.call('LTRIM', key, over[topic], -1)
    end
    for i = 1, #entries, CHUNK do
        redis.call('RPUSH', key, unpack(entries, i, math.min(i + CHUNK - 1, #entries)))
    end
end

return { 'done', string.format('%.0f', commits) }
