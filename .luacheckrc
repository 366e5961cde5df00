-- `make lint` expects silence.
std = "lua54"
max_line_length = 160
cache = false
exclude_files = { "build" }

-- A recipe sees the API as `gw`.
files["scripts/recipes"] = { read_globals = { "gw" } }
files["examples"] = { read_globals = { "gw" } }

-- Said by bindings/embed.c.
files["scripts/embed.lua"] = { read_globals = { "LUA_RELEASE" } }

files["spec"] = { std = "lua54+busted" }

-- Annotations only: parameters are there to be named.
files["scripts/godwit/meta.lua"] = { ignore = { "212", "241" } }
