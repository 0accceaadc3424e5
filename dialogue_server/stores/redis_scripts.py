"""What Redis does in one step for redis.py: Lua scripts over the keys that it names there.

Each changes all or nothing, and may be sent again: it finds what it did.
"""

# Before every change of a conversation by a server: another one may have taken it, while this one
# was cut off from Redis and gave no sign of life. `by` outlasts the other's letting go of it.
# The first argument is the server, "" for whoever is none; nil says that another one has it.
_FENCE = """
local conversation, holder = KEYS[1], KEYS[2]
local server = table.remove(ARGV, 1)
if server ~= '' then
  local owner = redis.call('GET', holder) or redis.call('HGET', conversation, 'by')
  if owner and owner ~= server then return false end
  redis.call('HSET', conversation, 'by', server)
end
"""
APPEND = (
    _FENCE
    + """
local _, _, nodes, order, lines, answers = unpack(KEYS)
local id, packed, kind, line, parent, at, player, name = unpack(ARGV)
if kind ~= 'npc' and line ~= '' then
  local known = redis.call('HGET', lines, line)
  if known then return redis.call('HGET', nodes, known) end
  redis.call('HSET', lines, line, id)
end
if redis.call('HSETNX', nodes, id, packed) == 0 then return packed end
redis.call('RPUSH', order, id)
if kind == 'npc' then
  redis.call('HSET', answers, 'p:' .. parent, id)
  if line ~= '' then redis.call('HSET', answers, 'l:' .. line, id) end
end
redis.call('HSET', conversation, 'player', player, 'conversation', name, 'head', id, 'last', at)
redis.call('HINCRBY', conversation, 'version', 1)
return packed
"""
)
PATH = """
local found, id, left = {}, ARGV[1], tonumber(ARGV[2])
while id and id ~= '' and left > 0 do
  local packed = redis.call('HGET', KEYS[1], id)
  if not packed then break end
  found[#found + 1] = packed
  id = cmsgpack.unpack(packed)['parent']
  left = left - 1
end
return found
"""
REPLACE = (
    _FENCE
    + """
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
return 1
"""
)
SET = (
    _FENCE
    + """
redis.call('HSET', conversation, unpack(ARGV))
return redis.call('HINCRBY', conversation, 'version', 1)
"""
)
COLLECT = """
local conversation, nodes, order, lines, answers = unpack(KEYS)
if redis.call('HGET', conversation, 'version') ~= ARGV[1] then return 0 end
local gone = cmsgpack.unpack(ARGV[2])
for _, id in ipairs(gone) do
  redis.call('HDEL', nodes, id)
  redis.call('LREM', order, 0, id)
end
redis.call('DEL', lines, answers)
for key, hash in pairs({[ARGV[3]] = lines, [ARGV[4]] = answers}) do
  local pairs_ = cmsgpack.unpack(key)
  for at = 1, #pairs_, 2 do redis.call('HSET', hash, pairs_[at], pairs_[at + 1]) end
end
return 1
"""
