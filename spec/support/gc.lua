-- A busted helper (`make test-gc`): the collector works at nearly every allocation, so that a handle which nobody holds
-- is collected while the C function that forgot to anchor it still runs. (Zeros would mean "unchanged".)
collectgarbage("incremental", 4, 100, 100)
collectgarbage("setpause", 0)
-- Specs that go round and round do so less often.
package.loaded["spec.support.gc"] = true
