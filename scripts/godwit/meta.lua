---@meta godwit
-- LuaCATS annotations of the Lua API, for editors and readers; spec/meta_spec.lua compares them with what is registered.
-- scripts/README.md explains the same in prose. Nothing loads this file when programs run; `godwit help api`, the REPL's .help,
-- godwit-api(3) and the specs read it by annotations.lua, which says what it may contain.
error("godwit.meta has annotations only: it is read by editors, not loaded", 0)

-- ---- The API and the types in common ---------------------------------------------------------------------------------

--- The API. A recipe finds it as the global `gw`, a Lua program by `local gw = require "godwit"`.
---@class godwit
---@field version string The version of godwit, as `godwit --version` says it.
local gw = {}

--- How a tensor's elements are stored. `gw.scalar` and its neighbours make those from `float16` to `string`. All others are
--- read, kept and written, and their values are shown where they are numbers (tensorflow/core/framework/types.proto).
--- `half`, `float` and `double` are taken for `float16`, `float32` and `float64`.
---@alias godwit.Dtype
---| "float16" | "bfloat16" | "float32" | "float64" | "complex64" | "complex128"
---| "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "uint64" | "bool" | "string"
---| "qint8" | "quint8" | "qint16" | "quint16" | "qint32" | "int2" | "uint2" | "int4" | "uint4"
---| "float8_e5m2" | "float8_e4m3fn" | "float8_e4m3fnuz" | "float8_e4m3b11fnuz" | "float8_e5m2fnuz" | "resource" | "variant"

--- What a tensor is for, told from its name and the names around it. Name-based checkpoints, by the names that
--- `tf.compat.v1.train.Saver` finds in a graph: `slot` is VARIABLE/Adam and the like while VARIABLE is there, `power` is
--- beta1_power, `average` VARIABLE/ExponentialMovingAverage, `step` global_step, `table` NAME-keys with NAME-values. Of an
--- optimizer of Keras in a graph (Estimators of TF2): `slot` training/Adam/VARIABLE/m, `power` training/Adam/learning_rate and
--- its other hyper-parameters, `step` training/Adam/iter.
--- Object-based ones, by keys: `counter` is save_counter, `state` what is no variable.
---@alias godwit.Role "weight" | "slot" | "power" | "average" | "step" | "counter" | "table" | "state"

--- Which tensors: a regular expression (PCRE2, Python's syntax) that is searched in the name as by `re.search`; a list of
--- them, any of which may match; or `{role = ...}`, also with expressions beside it. Object-based: it is searched in the
--- key without `/.ATTRIBUTES/VARIABLE_VALUE`, and in every other path by which the variable can be reached.
---@alias godwit.Which string | string[] | { role: godwit.Role, [integer]: string }

--- The last argument of rules that work on many tensors.
---@class godwit.RuleOptions
---@field optional? boolean true: no error when nothing matches.

--- The last argument of `map`.
---@class godwit.MapOptions: godwit.RuleOptions
---@field slots? boolean true: the slots and averages of what was found, where they have its shape, get the function too.

--- A value of a tensor. Integers are exact; uint64 from 2^63 on is a string of decimal digits; a complex number is
--- `{re, im}`; a string is its bytes.
---@alias godwit.Element number | boolean | string | number[]

--- Elements in nested sequences, one level for each axis; a scalar is the element itself.
---@alias godwit.Nested godwit.Element | godwit.Nested[]

--- What is raised: by a rule that cannot be followed, by damage, by the system. Mistakes in arguments may also be plain
--- texts with the position in front. `tostring(problem)` is the message.
---@class godwit.Error
---@field class "recipe" | "usage" | "damaged" | "system" | "limit" | "interrupted" What the exit codes tell apart.
---@field what string What is wrong: what was expected, and what was found.
---@field message string `line: file: key: offset: what`, as far as they are known.
---@field line? string "file:line" of the recipe or program that asked.
---@field file? string The file or folder.
---@field key? string The tensor's name.
---@field offset? integer The byte in `file`, from 0.
---@field hint? string What to do about it.

-- ---- Checkpoints ----------------------------------------------------------------------------------------------------

--- Opens a checkpoint as a draft. Not in recipes, which are given their inputs.
---
--- Raises class `damaged` when there is no checkpoint (and says what is there instead) or its index is damaged, `system`
--- when the files cannot be read.
---@param path string The prefix, one of its files, a folder with a `checkpoint` state file, or a SavedModel folder.
---@return godwit.Draft
function gw.open(path) end

--- A new name-based draft.
---
--- Raises when a value is no tensor or a key no name.
---@param tensors table<string, godwit.Tensor> | godwit.Vars | godwit.Node Names to tensors; a dictionary of variables in an object graph will do.
---@return godwit.Draft
function gw.variables(tensors) end

--- What becomes an object of a graph: a tensor (a variable), a table (names: attributes in the order of their names; a
--- sequence: a list; the same table twice is one object), `gw.dict`, `gw.variable`, `ckpt.vars` (a dictionary), or an object
--- of any draft, which is copied with all that hangs below it when it is another's.
---@alias godwit.Tree godwit.Tensor | godwit.Node | godwit.Dict | godwit.Variable | godwit.Vars | table

--- A new object-based draft, as `tf.train.Checkpoint(**tree)` saves one: `save` with `save_counter`, `write` (and Keras'
--- `save_weights`) without.
---
--- Raises for lists with holes, names that are no UTF-8 text, and what is no object.
---@param tree godwit.Tree
---@param options? { save_counter: integer }
---@return godwit.Draft
function gw.objects(tree, options) end

--- A dictionary in an object graph, which keeps its order, as Python's do.
---
--- Raises for a key that comes twice.
---@param content table | godwit.Vars | godwit.Node A sequence of `{key, value}`; a table (sorted by keys); a draft's `vars`; a node.
---@return godwit.Dict
function gw.dict(content) end

---@class godwit.Dict What `gw.dict` gives.

--- A variable that is one object wherever the tree has it, and a way to say its full name.
---@param tensor godwit.Tensor
---@param options? { full_name: string } Without: the name that the tensor was read under, or its old full name, or "Variable".
---@return godwit.Variable
function gw.variable(tensor, options) end

---@class godwit.Variable What `gw.variable` gives.

--- A vocabulary: tokens by their ids. `vocab[0]` is the first, `#vocab` how many there are.
---@class godwit.Vocab
---@field name string The file that it is from, or "".
---@field [integer] string?

--- What is put where no old row goes: one value, a tensor of the result's shape, or a function of that shape.
---@alias godwit.Backup number | boolean | string | godwit.Tensor | fun(shape: integer[]): godwit.Tensor | number

--- A vocabulary of a file parameter or a list of tokens; in Lua programs also of a file by its path. Lines are TensorFlow's:
--- they end in LF or CRLF, and every other byte is the token's.
---
--- Raises for empty lines and empty vocabularies.
---@param source godwit.File | string[] | string | godwit.Vocab
---@return godwit.Vocab
function gw.vocab(source) end

--- What `gw.vocab_info` takes.
---@class godwit.VocabSettings
---@field new_vocab godwit.Vocab | godwit.File | string[]
---@field old_vocab godwit.Vocab | godwit.File | string[]
---@field new_vocab_size? integer How many lines of it count; without, all.
---@field old_vocab_size? integer Likewise; -1 is all.
---@field num_oov_buckets? integer Rows behind those of the vocabulary. They are always new.
---@field backup? godwit.Backup Without: 0 (false, "").
---@field backup_initializer? godwit.Backup TensorFlow's name for it.
---@field axis? integer Which axis has a place for each token; without: 0.
---@field aliases? table<string, string> New tokens that take the rows of other old ones.

--- Where the tokens of a new vocabulary are in an old one; worked out once, for any number of tensors.
---
--- Raises when the old vocabulary has a token twice, when sizes are beyond the vocabularies, and for aliases that are in neither.
---@param settings godwit.VocabSettings
---@return godwit.VocabInfo
function gw.vocab_info(settings) end

--- Where tokens went, as `gw.vocab_info` found it.
---@class godwit.VocabInfo
---@field axis integer
---@field count integer Places along the axis: new tokens and buckets.
---@field kept integer New tokens that the old vocabulary has.
---@field new integer New tokens that it has not.
---@field lost integer Old tokens that no new one takes.

--- A checkpoint being edited: names and tensors. Editing changes nothing on disk. `#ckpt` is how many tensors it has (of
--- an object-based one without the object graph).
---@class godwit.Draft
---@field kind "variables" | "objects" Name-based (tf.compat.v1.train.Saver) or object-based (tf.train.Checkpoint, Keras).
---@field format "v1" | "v2" Of the files that it was opened from: before TensorFlow 0.12, or today's, which every output has.
---@field path string The prefix it was opened from; "" for a new draft.
---@field vars godwit.Vars The tensors by name.
---@field root godwit.Node The root of the object graph; assignable (`godwit.Tree`). Object-based only.
---@operator len: integer
local Draft = {}

--- The tensors of a draft by name; object-based: by checkpoint key. `vars[name]` raises the nearest names when it is not
--- there; assigning replaces or adds; assigning nil removes, and raises when it was not there. `pairs` goes in the order of
--- the names' bytes, over the names as they were when the loop began. `#vars` is how many there are.
---
--- Object-based: values can be replaced, but keys follow from the object graph (`root`), so adding and removing raise.
---@class godwit.Vars
---@field [string] godwit.Tensor
---@operator len: integer

--- Is there a tensor of this name?
---@param name string
---@return boolean
function Draft:has(name) end

--- The tensor of this name, or `default` when there is none.
---@generic T
---@param name string
---@param default? T
---@return godwit.Tensor | T
function Draft:get(name, default) end

--- Iterates over names and tensors in the order of the names' bytes, as they were when the loop began: editing inside is
--- safe, and what has gone meanwhile is passed over.
---@param which? godwit.Which All of them without.
---@return fun(): string, godwit.Tensor
function Draft:each(which) end

--- Renames, all at once: `{a = "b", b = "a"}` swaps.
---
--- - a regular expression and a replacement (`$1`, `${1}0`, `${name}`, `$$`): every match in every name, as `re.sub`;
--- - a table from exact old names to new ones (one that is not there raises, or is passed over when `optional`);
--- - a function of the name that returns the new name, or nil to keep it;
--- - a sequence of `{regex, replacement}`: the first one that matches applies, once.
---
--- Object-based: names of objects, variables or not. Every edge is looked at as its parent's path, `/`, its name (`/` and
--- `.` in it written `.S` and `..`); the last part may change, and keeps its place.
---
--- Raises when nothing matches (unless `optional`), when two tensors (two children) would have one name, when a name would
--- be empty, and when an object would move (see `gw.graph.move`).
---@param what string | table<string, string> | (fun(name: string): string?) | string[][]
---@param replacement? string | godwit.RuleOptions The replacement for an expression; else the options.
---@param options? godwit.RuleOptions
---@return integer count How many names matched, also those that stay what they are.
function Draft:rename(what, replacement, options) end

--- Moves what is under one scope to another. Both are literal and end in `/`; `"/"` is the root. Name-based drafts.
---
--- Raises as `rename` does.
---@param from string
---@param to string
---@param options? godwit.RuleOptions
---@return integer count
function Draft:rename_scope(from, to, options) end

--- Removes the selected tensors. What is selected is settled before the first one goes.
---
--- Object-based: removes every edge to the selected objects, their slots, and branches that nothing is left in.
---
--- Raises when nothing matches (unless `optional`).
---@param which godwit.Which
---@param options? godwit.RuleOptions
---@return integer count How many were removed.
function Draft:drop(which, options) end

--- Removes all but the selected tensors; with `optional` and no match it removes nothing.
---
--- Raises when nothing matches (unless `optional`).
---@param which godwit.Which
---@param options? godwit.RuleOptions
---@return integer count How many were kept.
function Draft:keep_only(which, options) end

--- Puts what the function gives in the place of each selected tensor, in key order. Returning the tensor itself keeps it.
---
--- Raises when nothing matches (unless `optional`), and when the function returns nothing or no tensor.
---@param which godwit.Which
---@param fn fun(tensor: godwit.Tensor, name: string): godwit.Tensor
---@param options? godwit.MapOptions
---@return integer count Without the slots and averages that followed.
function Draft:map(which, fn, options) end

--- Adds all tensors of another draft, which stays as it is.
---
--- Raises when a name is in both (naming both), for the draft itself, and when either is object-based.
---@param other godwit.Draft
function Draft:merge(other) end

--- Where a source's tensor goes: a name; a scope ending in `/`, when the source's is one; a variable of this draft's object
--- graph; a list of names or variables, which are its parts; or `{target, fn}`, where `fn(tensor, name)` returns the value.
---@alias godwit.AssignTarget string | godwit.Node | (string | godwit.Node)[] | [godwit.AssignTarget, godwit.AssignFunction]

--- Gives the value of what a rule of `assign` goes to.
---@alias godwit.AssignFunction fun(tensor: godwit.Tensor, name: string): godwit.Tensor

--- Takes over source's tensors by an assignment map, as tf.compat.v1.train.init_from_checkpoint fills a model's variables. Rules
--- go in the order of the source's names; of two rules for one tensor the later counts. A name that is not there, but as
--- `NAME/part_0`, `NAME/part_1`, ..., means these parts, on either side. Names of object-based drafts may leave out
--- `/.ATTRIBUTES/VARIABLE_VALUE`.
---
--- Raises, and edits nothing, when a target is not there, when source lacks a tensor or a member of a scope, when a scope is
--- empty (these two unless `optional`: then what source lacks is left as it is), and when dtypes or shapes differ.
---@param source godwit.Draft
---@param map table<string, godwit.AssignTarget> | [string, godwit.AssignTarget][]
---@param options? godwit.RuleOptions
---@return integer count How many tensors were assigned.
function Draft:assign(source, map, options) end

--- What `warm_start` takes. TensorFlow's names for `vars`, `vocab` and `prev_names` are taken, too. `vars` is ".*" when nothing is
--- said; expressions are matched at the start of `NAME:0`, as by `re.match`.
---@class godwit.WarmStartSettings
---@field vars? string | (string | godwit.Node)[] | false An expression for weights, or a list for all; false: what is in `vocab`.
---@field vars_to_warm_start? string | (string | godwit.Node)[] | false
---@field prev_names? table<string, string> What variables of this draft are called in the source.
---@field var_name_to_prev_var_name? table<string, string>
---@field vocab? table<string, godwit.VocabInfo | godwit.VocabSettings | godwit.VocabInfo[]> By variable; a list for rows and columns.
---@field var_name_to_vocab_info? table<string, godwit.VocabInfo | godwit.VocabSettings>
---@field with_slots? boolean Slots and moving averages start along, where both have them.
---@field slot_backup? table<string, godwit.Backup> What new rows of slots start with, by the slot's name.
---@field optional? boolean What the source lacks is left as it is; nothing need match.

--- What was started. `tostring` says it on a few lines.
---@class godwit.WarmStartReport
---@field variables table<string, string> The source's name of each variable.
---@field vocab table<string, { kept: integer, new: integer, lost: integer }> Rows (of a list: of its first).
---@field missing string[] What had no source, with `optional`.

--- Takes over source's weights as tf.compat.v1.train.warm_start gives them to a model's variables: by name or former name, row
--- by row where a vocabulary changed. The step, slots and batch normalisation's statistics stay, unless a list asks for them.
--- Object-based checkpoints are known by their variables' full names.
---
--- Raises, and edits nothing, when a variable has no source (unless `optional`), a setting names none that is started, an
--- expression matches nothing (unless `optional`), or shapes and dtypes differ.
---@param source godwit.Draft
---@param settings? godwit.WarmStartSettings
---@return godwit.WarmStartReport
function Draft:warm_start(source, settings) end

--- Moves the rows of a variable with their tokens, with `with_slots` those of its slots and moving averages, too.
---
--- Raises when there is no such variable or its axis does not fit the old vocabulary, and for slots whose shape does not say
--- what their axes are.
---@param name string The tensor's name; object-based: also the variable's path.
---@param info godwit.VocabInfo | godwit.VocabSettings | godwit.VocabInfo[] A list: one after another (rows and columns).
---@param options? { with_slots: boolean, slot_backup: table<string, godwit.Backup> }
---@return { kept: integer, new: integer, lost: integer } counts Of the first.
function Draft:remap(name, info, options) end

--- One thing that restoring does or does not do.
---@class godwit.ReportItem
---@field name string The object as TensorFlow's messages name it ("(root).model.kernel"), or the tensor's name.
---@field key? string The tensor's name: of the source for what is unexpected, else of the target.
---@field from? string Of what is restored: the source's name.
---@field reason? string Why, in TensorFlow's words where it has some.

--- What restoring would do, or did. `tostring(report)` says it on a few lines.
---@class godwit.Report
---@field consumed boolean Would `assert_consumed()` pass?
---@field existing boolean Would `assert_existing_objects_matched()` pass?
---@field raises boolean Would restoring itself raise an error? Then `mismatched` says where.
---@field by_names boolean Is one of the two name-based?
---@field mode "restore" | "read" tf.train.Checkpoint.restore, or read and Keras' load_weights.
---@field missing godwit.ReportItem[] What the target has and the source gives nothing for.
---@field unexpected godwit.ReportItem[] What the source has and the target takes nothing of.
---@field mismatched godwit.ReportItem[] Shapes, dtypes and keys that TensorFlow refuses.
---@field restored godwit.ReportItem[]
---@field notes godwit.ReportItem[] What else one should know; what a file cannot tell.
local Report = {}

--- How long a list is, without making it.
---@param list "missing" | "unexpected" | "mismatched" | "restored" | "notes"
---@return integer
function Report:count(list) end

--- Frees the report's memory now.
function Report:close() end

--- Which objects take part as roots: paths of escaped names, as keys have them.
---@class godwit.RestoreOptions
---@field from? string The source's.
---@field into? string The target's.

--- What `like` and `assert_like` take.
---@class godwit.LikeOptions: godwit.RestoreOptions
---@field as? "restore" | "read" Without: "restore" when the target has a save_counter.

--- Takes over source's values as TensorFlow's restore would into the model that this draft stands for: objects by structure,
--- slot variables included; a name-based source by full names; a name-based draft by names, then full names. What source
--- lacks keeps its value.
---
--- Raises, and edits nothing, where TensorFlow would raise: shapes, dtypes, keys.
---@param source godwit.Draft
---@param options? godwit.RestoreOptions
---@return godwit.Report
function Draft:restore(source, options) end

--- What restoring this draft into target's model would do. Edits nothing.
---@param target godwit.Draft
---@param options? godwit.LikeOptions
---@return godwit.Report
function Draft:like(target, options) end

--- Raises, with the report, unless the assertion would pass.
---@param target godwit.Draft
---@param assertion? "consumed" | "existing" Without: "consumed" for objects, "existing" when one of the two is name-based.
---@param options? godwit.LikeOptions
---@return godwit.Report
function Draft:assert_like(target, assertion, options) end

--- A second, independent draft.
---@return godwit.Draft
function Draft:copy() end

--- What the tensor is for. Follows edits: without its variable a slot is a weight.
---
--- Raises the nearest names when it is not there.
---@param name string
---@return godwit.Role
function Draft:role(name) end

--- A variable's slots by their own names: `{Adam = m, Adam_1 = v}`; empty when it has none. Object-based: by key or path,
--- of all optimizers: `{m = m, v = v}`.
---
--- Raises the nearest names when the variable is not there.
---@param name string
---@return table<string, godwit.Tensor>
function Draft:slots(name) end

--- What saving the draft would do, with the fields of `godwit plan --json`. Nothing is written.
---
--- Raises what saving would raise beforehand: no tensors at all, data files that are missing or too short.
---@param options? godwit.SaveOptions
---@return godwit.Plan
function Draft:plan(options) end

--- Writes the draft. The checkpoint appears whole under its name, or not at all. Not in recipes.
---
--- Raises class `usage` when `prefix` exists (without `force`) or is an input, `damaged` when copied data does not match
--- its checksum, `system` when the system refuses.
---@param prefix string The checkpoint to write; its folder is made when it is not there.
---@param options? godwit.SaveOptions
function Draft:save(prefix, options) end

--- The flags of `godwit run`.
---@class godwit.SaveOptions
--- How unchanged bytes get there. "copy" (default): TensorFlow's layout. "clone", "link": the input's data files as they
--- are, by reflink or hard link, and what is new in one more.
---@field data? "copy" | "clone" | "link"
---@field shards? integer How many data files, 1 to the number of tensors. Default: as the input has.
---@field verify? boolean Check the checksums of linked and cloned data too.
---@field no_verify? boolean Do not check those of copied data either.
---@field force? boolean Replace an existing checkpoint, safely.
---@field latest? boolean Make it what `tf.train.latest_checkpoint` finds in its folder.
---@field threads? integer 1 to 256. Default: one for each core.
---@field memory? integer Bytes for buffers. Default: 64 MiB.

--- What saving would do: the document of `godwit plan --json`.
---@class godwit.Plan
---@field schema 1
---@field outputs godwit.PlanOutput[] One.
---@field bytes_computed integer Bytes of new tensors.
---@field bytes_moved integer Bytes to copy.
---@field bytes_shared integer Bytes in data files that are linked or cloned.
---@field bytes_unverified integer Bytes among them whose checksum would not be checked.
---@field memory integer Bytes that buffers may take.

--- A checkpoint that would be written.
---@class godwit.PlanOutput
---@field kind "variables" | "objects"
---@field tensors godwit.PlanEntry[] In the order of the names' bytes.
---@field dropped { name: string, line: string? }[] Tensors of the input that are no part of the result, and by which line.

--- A tensor that would be written.
---@class godwit.PlanEntry
---@field name string
---@field dtype godwit.Dtype
---@field shape godwit.Shape
---@field bytes integer In the file.
---@field action "unchanged" | "renamed" | "computed" | "new"
---@field from string[] Names in the inputs.
---@field expression string Readable: `zeros([2,3], float32)`.
---@field line? string "file:line" that asked for it.
---@field replaces? string The input's tensor that a new value takes the place of.
---@field shard integer The data file that it goes to, from 0.

-- ---- The object graph -----------------------------------------------------------------------------------------------

--- An object. Its fields are its children and nothing else: `node.name`, `node["layer-0"]`. Reading or removing what is not
--- there raises what is; an integer index raises (positions of a list are `"0"`, `"1"`). Assigning a tensor to a variable
--- replaces its value; anything else (`godwit.Tree`) becomes the child, in its old place or as the last one; nil removes it.
--- `pairs` goes in the graph's order, `#node` is how many children. One object is one value: `a == b`. A variable node
--- serves wherever a tensor is expected.
---@class godwit.Node
---@field [string] godwit.Node
---@operator len: integer

--- Looking at and editing object graphs. Keys and node numbers follow from the structure, as TensorFlow derives them.
---@class godwit.graph
local graph = {}

--- Has the object a child of this name?
---@param node godwit.Node
---@param name string
---@return boolean
function graph.has(node, name) end

--- The object at a path as keys write it ("model/a.Sb"), or nil.
---@param root godwit.Node
---@param path string
---@return godwit.Node?
function graph.find(root, path) end

--- Iterates over names and children, as `pairs`.
---@param node godwit.Node
---@return fun(): string?, godwit.Node
function graph.children(node) end

--- A list's elements, by position.
---
--- Raises when the children are not "0", "1", ...
---@param node godwit.Node
---@return godwit.Node[]
function graph.list(node) end

--- Iterates over paths and objects, breadth first, each object once.
---@param root godwit.Node
---@return fun(): string?, godwit.Node
function graph.walk(root) end

--- Renames a child, in its place.
---
--- Raises when it is not there, and when the name is taken.
---@param node godwit.Node
---@param old string
---@param new string
function graph.rename(node, old, new) end

--- Puts the children in this order. Bytes change by it, nothing else: restoring goes by names.
---@param node godwit.Node
---@param names string[] Every child once.
function graph.order(node, names) end

--- Puts a list's elements in another order: position i gets what was at order[i], both from 0. Keras optimizers since 2.11
--- refer to variables by position: their lists follow, or saving raises.
---@param list godwit.Node
---@param order integer[] Every position once.
function graph.reorder(list, order) end

--- Takes a child to another object.
---
--- Raises when the name is taken there, and when the object would hang below itself.
---@param from godwit.Node
---@param name string
---@param to godwit.Node
---@param new_name? string
function graph.move(from, name, to, new_name) end

--- A new object with this one as its only child: `Checkpoint(model)` becomes `Checkpoint(model=model)`. When `node` is the
--- root, its save_counter goes to the new object, and its edge `root` to itself, which `Checkpoint(model)` has, goes.
---@param name string
---@param node godwit.Node
---@return godwit.Node
function graph.wrap(name, node) end

--- A variable's tensor.
---
--- Raises for other objects.
---@param node godwit.Node
---@return godwit.Tensor
function graph.tensor(node) end

--- Is the object a variable?
---@param node godwit.Node
---@return boolean
function graph.is_variable(node) end

--- A variable's full name: that by which TF1 code and name-based restoring know it. Not unique.
---@param node godwit.Node
---@param new? string Sets it.
---@return string before
function graph.full_name(node, new) end

--- The object's path as keys write it, "" for the root.
---
--- Raises when nothing leads to it any more.
---@param node godwit.Node
---@return string
function graph.path(node) end

--- A name as it stands in a key: "." becomes "..", "/" becomes ".S".
---@param name string
---@return string
function graph.escape(name) end

--- And back.
---
--- Raises for what no name gives.
---@param part string
---@return string
function graph.unescape(part) end

--- Iterates over an optimizer's slots: name, variable, slot variable. Slot edges (TF1, Keras before 2.11) and the lists of
--- Keras optimizers since 2.11 alike.
---@param optimizer godwit.Node
---@return fun(): string?, godwit.Node, godwit.Node
function graph.slots(optimizer) end

--- Replaces a slot's value, or adds a slot edge.
---
--- Raises for a slot that a Keras optimizer since 2.11 does not have.
---@param optimizer godwit.Node
---@param variable godwit.Node
---@param name string
---@param tensor godwit.Tensor
function graph.set_slot(optimizer, variable, name, tensor) end

gw.graph = graph

-- ---- Tensors --------------------------------------------------------------------------------------------------------

--- Immutable, and read only when a value is asked for. One tensor may be in any number of drafts. `tostring` shows dtype,
--- shape and a short preview; `==` raises, see `equal`.
---
--- `+ - * /` and unary `-` work element by element, with NumPy's broadcasting: of two tensors of one dtype (cast first), or of a
--- tensor and a number, which takes the tensor's dtype. Integers wrap around and do not divide; of bool + is or and * is and.
--- float16 and bfloat16 compute in float32 and are rounded once, at the end of a chain of operations element by element (any
--- other operation, also a cast, ends it). Subnormal numbers are kept, where TensorFlow's threads take them for 0.
---@class godwit.Tensor
---@field dtype godwit.Dtype "dtype N" for a number that godwit does not know.
---@field shape godwit.Shape
---@field rank integer How many axes; 0 for a scalar.
---@field size integer How many elements.
---@field nbytes integer Bytes in a file; strings with their lengths.
---@field origin string "model.ckpt-7:bert/kernel" for what is read from a checkpoint, else how it was made.
---@field parts integer In how many slices it would be saved, as it is stored or by `partition`; 1 for a whole tensor.
---@field partial boolean Is it stored in slices that do not cover it? Then it has no value, and is kept, renamed or dropped.
---@operator add(godwit.Tensor | number): godwit.Tensor
---@operator sub(godwit.Tensor | number): godwit.Tensor
---@operator mul(godwit.Tensor | number): godwit.Tensor
---@operator div(godwit.Tensor | number): godwit.Tensor
---@operator unm: godwit.Tensor
local Tensor = {}

--- Sizes of the axes: `shape[1]` is the size of axis 0. Compares with `==` (also with a plain table) and prints as `[2,3]`.
---@class godwit.Shape
---@field [integer] integer

--- The size of an axis.
---
--- Raises when the tensor does not have it.
---@param axis integer From 0, or from -1 backwards.
---@return integer
function Tensor:dim(axis) end

--- Is the dtype one of real floating-point numbers?
---@return boolean
function Tensor:is_float() end

--- Is the dtype one of signed or unsigned integers? (bool is not.)
---@return boolean
function Tensor:is_integer() end

--- The whole tensor as Lua values, its checksum checked.
---
--- Raises class `damaged` when it does not match, and for dtypes whose values cannot be shown (resource, variant).
---@param options? { limit: integer } Most elements (16 bytes of strings count as one) that are given; default 1000000.
---@return godwit.Nested
function Tensor:value(options) end

--- Counts and moments, streamed in bounded memory, the checksum checked. `min`, `max`, `mean` and `std` (of the
--- population, as NumPy's) are over the finite elements and absent when there is none; `min` and `max` of integers are exact.
---
--- Raises for dtypes without numbers (string, resource, variant).
---@return godwit.Stats
function Tensor:stats() end

--- What `stats` gives.
---@class godwit.Stats
---@field count integer Elements.
---@field zeros integer
---@field nan integer
---@field inf integer Infinities of both signs.
---@field min? number | string
---@field max? number | string
---@field mean? number
---@field std? number

--- Same dtype, same shape, and every element equal (NaN equals NaN) or within the tolerance: |a - b| <= tolerance.
---@param other godwit.Tensor
---@param tolerance? number Default 0. Not negative.
---@return boolean
function Tensor:equal(other, tolerance) end

--- The values on one line, as NumPy prints them: whole, or of each axis its ends.
---@param whole? integer Up to so many elements are shown whole. Default 24.
---@param edge? integer Elements at each end of an axis beyond that. Default 3.
---@return string
function Tensor:preview(whole, edge) end

-- ---- Operations: each gives a new tensor and reads nothing yet. Axes count from 0, or from -1 backwards. ---------------

--- Another dtype, as `tf.cast`: floats round to nearest even (16-bit ones by way of float32) and overflow to infinity, NaN
--- keeps its sign, integers keep their low bits, complex numbers lose their imaginary part. Where TensorFlow leaves the
--- result to the machine, it is defined: a float that an integer dtype cannot hold becomes the nearest one that it can, NaN 0.
---
--- Raises for dtypes that are not computed with: string, quantised, 8-bit floats, 4-bit integers, resource, variant.
---@param dtype godwit.Dtype
---@return godwit.Tensor
function Tensor:cast(dtype) end

--- Other axes for the same elements. One size may be -1: what is left.
---
--- Raises when the elements do not fill the shape.
---@param shape integer[] | godwit.Shape
---@return godwit.Tensor
function Tensor:reshape(shape) end

--- Axis i of the result is axis perm[i + 1] of the tensor, as `tf.transpose`.
---@param perm? integer[] Default: the axes the other way round.
---@return godwit.Tensor
function Tensor:transpose(perm) end

--- Without these axes, which must have the size 1.
---@param axis? integer | integer[] Default: all axes of size 1.
---@return godwit.Tensor
function Tensor:squeeze(axis) end

--- With one more axis of size 1, before the axis that is named.
---@param axis integer
---@return godwit.Tensor
function Tensor:expand_dims(axis) end

--- A part: for each axis where it begins and how many elements it has (-1: to the end), as `tf.slice`.
---@param begin integer[]
---@param size integer[]
---@return godwit.Tensor
function Tensor:slice(begin, size) end

--- Elements of an axis by their positions, in any order and any number, as `tf.gather`: one position takes the axis away,
--- a tensor of them puts its own axes there.
---
--- Raises for positions that the axis does not have.
---@param indices integer | integer[] | godwit.Tensor A tensor of integers is read at once.
---@param axis? integer Default 0.
---@return godwit.Tensor
function Tensor:gather(indices, axis) end

--- Rows in the order of a new vocabulary (axis 0).
---
--- Raises when the old vocabulary is longer than the axis, and for settings with another axis.
---@param info godwit.VocabInfo | godwit.VocabSettings
---@return godwit.Tensor
function Tensor:remap_rows(info) end

--- Columns in the order of a new vocabulary (axis 1).
---@param info godwit.VocabInfo | godwit.VocabSettings
---@return godwit.Tensor
function Tensor:remap_cols(info) end

--- Parts along an axis: so many equal ones, or of these sizes (one may be -1).
---@param parts integer | integer[]
---@param axis? integer Default 0.
---@return godwit.Tensor[]
function Tensor:split(parts, axis) end

--- The same values, saved in slices along an axis as a partitioned variable of TF1: cut as
--- `tf.compat.v1.fixed_size_partitioner` cuts (the first `size % parts` slices have one more), into as many slices as the axis
--- has positions when there are fewer. The slices get the order in which a Saver (object-based: a TF2 sharded variable) lists
--- them. `partition(1)` saves the tensor whole, however it is stored; so does every other operation on the result.
---
--- Raises for tensors without elements or without a value, and for dtypes that can only be kept (resource, variant).
---@param parts integer At least 1, at most 10000.
---@param axis? integer Default 0.
---@return godwit.Tensor
function Tensor:partition(parts, axis) end

--- More elements before and after, for each axis. Not for strings.
---@param before integer[]
---@param after integer[]
---@param value? godwit.Element Default 0.
---@return godwit.Tensor
function Tensor:pad(before, after, value) end

--- Not below `lo` and not above `hi`; NaN stays. Real numbers.
---@param lo number
---@param hi number
---@return godwit.Tensor
function Tensor:clip(lo, hi) end

--- The square root of each element; of floats and complex numbers.
---@return godwit.Tensor
function Tensor:sqrt() end

--- Each element times itself.
---@return godwit.Tensor
function Tensor:square() end

--- Absolute values; of complex numbers as real ones.
---@return godwit.Tensor
function Tensor:abs() end

--- e to the power of each element; of floats and complex numbers.
---@return godwit.Tensor
function Tensor:exp() end

--- The natural logarithm of each element; of floats and complex numbers.
---@return godwit.Tensor
function Tensor:log() end

--- Tensors one after the other along an axis. Dtypes and all other sizes must agree.
---@param tensors godwit.Tensor[]
---@param axis? integer Default 0.
---@return godwit.Tensor
function gw.concat(tensors, axis) end

--- Tensors of one dtype and shape along a new axis.
---@param tensors godwit.Tensor[]
---@param axis? integer Where the new axis goes. Default 0.
---@return godwit.Tensor
function gw.stack(tensors, axis) end

--- The mean of float tensors of one dtype and shape, weighted or not. Sums are float64 (of float64: twice as precise), and
--- the result is rounded once: the mean of equal tensors is that tensor, bit for bit.
---@param tensors godwit.Tensor[]
---@param weights? number[] One for each tensor; they need not add up to 1, but not to 0 either.
---@return godwit.Tensor
function gw.mean(tensors, weights) end

-- ---- New values: tf.random.stateless_* with Philox and the seed {seed, 0}, bit for bit ---------------------------------

--- What `gw.random_uniform` takes. Without `seed` the n-th tensor of a run that has none takes n, and the plan says so.
---@class godwit.UniformOptions
---@field dtype? "float16" | "bfloat16" | "float32" | "float64" Default float32.
---@field seed? integer
---@field minval? number Default 0.
---@field maxval? number Default 1; not reached.

--- What `gw.random_normal` and `gw.truncated_normal` take. Without `seed` as for `gw.random_uniform`.
---@class godwit.NormalOptions
---@field dtype? "float16" | "bfloat16" | "float32" | "float64" Default float32.
---@field seed? integer
---@field mean? number Default 0.
---@field stddev? number Default 1.

--- Numbers from `minval` to `maxval`: `tf.random.stateless_uniform`.
---@param shape integer[] | godwit.Shape
---@param options? godwit.UniformOptions
---@return godwit.Tensor
function gw.random_uniform(shape, options) end

--- `tf.random.stateless_normal`.
---@param shape integer[] | godwit.Shape
---@param options? godwit.NormalOptions
---@return godwit.Tensor
function gw.random_normal(shape, options) end

--- Normal numbers within two standard deviations: `tf.random.stateless_truncated_normal`.
---@param shape integer[] | godwit.Shape
---@param options? godwit.NormalOptions
---@return godwit.Tensor
function gw.truncated_normal(shape, options) end

--- Uniform within sqrt(6 / (fan_in + fan_out)), the fans counted as Keras' GlorotUniform does.
---@param shape integer[] | godwit.Shape
---@param options? { dtype: string?, seed: integer? }
---@return godwit.Tensor
function gw.glorot_uniform(shape, options) end

-- ---- Constants: what tf.constant makes of the same values -----------------------------------------------------------

--- A scalar. Without `dtype` a Lua float is float32, an integer int32, a boolean bool, a string string (tf.constant's
--- defaults, but an integer beyond int32 raises instead of becoming int64).
---
--- Floats round to nearest even and overflow to infinity.
---
--- Raises when an integer dtype does not have the value.
---@param value godwit.Element `{re, im}` for complex dtypes; decimal digits for uint64 beyond 2^63 - 1.
---@param dtype? godwit.Dtype
---@return godwit.Tensor
function gw.scalar(value, dtype) end

--- A tensor of nested sequences. Without `dtype` as `gw.scalar`; one float makes all numbers float32; `{}` is float32.
--- For complex dtypes innermost sequences of two numbers are `{re, im}`.
---
--- Raises when the sequences are not a regular array, beyond 254 axes, and as `gw.scalar`.
---@param values godwit.Nested
---@param dtype? godwit.Dtype
---@return godwit.Tensor
function gw.tensor(values, dtype) end

--- A string tensor of a string or nested sequences of strings.
---@param values string | table
---@return godwit.Tensor
function gw.strings(values) end

--- One value everywhere; takes no memory for it. Not for strings.
---@param shape integer[] | godwit.Shape `{}` for a scalar.
---@param value godwit.Element
---@param dtype? godwit.Dtype Default as `gw.scalar`.
---@return godwit.Tensor
function gw.full(shape, value, dtype) end

--- Zeros (false for bool); takes no memory for them. Not for strings.
---@param shape integer[] | godwit.Shape
---@param dtype? godwit.Dtype Default float32, as tf.zeros.
---@return godwit.Tensor
function gw.zeros(shape, dtype) end

-- ---- Patterns -------------------------------------------------------------------------------------------------------

--- Searches a regular expression in a name, as `re.search`.
---
--- Raises for a wrong expression, and class `limit` for one that tries too many ways.
---@param name string
---@param regex string PCRE2 in Python's syntax; what would mean something else in Python is refused with the right form.
---@return string? ... The groups ("" for one that took no part), or the whole match without groups; nil without a match.
function gw.match(name, regex) end

--- Replaces every match in a name, as `re.sub`.
---
--- Raises as `gw.match`, and for a group that the expression does not have.
---@param name string
---@param regex string
---@param replacement string `$1`, `${1}0`, `${name}`, `$$`.
---@return string name
---@return integer count How many matches were replaced.
function gw.sub(name, regex, replacement) end

-- ---- Recipes --------------------------------------------------------------------------------------------------------

--- What a recipe's file returns: such a table, or its `run` alone.
---@class godwit.Recipe
---@field name? string
---@field version? string The recipe's own: whole numbers with dots, `"1.2"`.
---@field godwit? string What it is written for: `"1"`, the version of the Lua API; `">= 0.1"`, a range of versions of godwit; `"1, >= 0.1"`, both.
---@field summary? string One line.
---@field description? string
---@field examples? string[] Command lines.
---@field inputs? string[] Names of its inputs, in order; a last one that ends in `...` takes one or more. Default: any number, by position.
---@field params? table<string, godwit.Param>
---@field detect? fun(ckpt: godwit.Draft): boolean, string? Whether it is meant for such a checkpoint, and why (`godwit recipes --for`).
--- Returns nothing (the first draft is the output), one draft, or several by the names of their outputs.
---@field run fun(ckpt: godwit.Draft, p: table<string, any>, inputs: table): nil | godwit.Draft | table<string, godwit.Draft>
---@field tests? godwit.Test[] What `godwit test` runs.

--- What `manifest.lua` of a folder of recipes returns. Versions are whole numbers with dots; a range compares with them, as pip's do:
--- `">= 1.2"`, `">= 1.2, < 2"`, with `==`, `!=`, `>=`, `<=`, `>`, `<`, `~=`.
---@class godwit.Manifest
---@field name string
---@field version string
---@field godwit string As a recipe's.
---@field summary? string One line.
---@field requires? table<string, string> The libraries that its recipes need, by their manifests' names: name to range.

--- A test of a recipe. It needs an input, and one of output, expect, plan, fails, prints, detects.
---@class godwit.Test
---@field name string
---@field input? fun(): godwit.Draft
---@field inputs? fun(): table<integer|string, godwit.Draft> By position or by the recipe's names.
---@field params? table<string, any> A file is given as its text.
---@field output? fun(): godwit.Draft | table<string, godwit.Draft> What should come out.
---@field expect? fun(out: godwit.Draft | table<string, godwit.Draft>) Raises when something is wrong.
---@field plan? table<"unchanged" | "renamed" | "computed" | "new" | "dropped", integer>
---@field fails? string A part of the message with which the recipe should fail.
---@field prints? string A part of what the recipe should print; "": nothing.
---@field detects? boolean | string Whether the recipe's `detect` takes the first checkpoint, or a part of its reason.

--- Another recipe as a function: one of the calling recipe's folder, of the recipe path, or one that comes with godwit (in
--- a Lua program: also a file, and it runs in its own sandbox).
---
--- Parameters are checked as those of the command line, and defaults filled in. The function gives what the recipe returns,
--- or `ckpt` when that is nothing.
---
--- Raises for a recipe that is not there, a wrong parameter, a missing input.
---@param name string
---@return fun(ckpt: godwit.Draft, params?: table<string, any>, inputs?: table<string|integer, godwit.Draft>): godwit.Draft | table<string, godwit.Draft>
function gw.recipe(name) end

--- A parameter, given as `-p NAME=TEXT`.
---@class godwit.Param
--- A list is separated by commas; a file is given as `-p NAME=@FILE`.
---@field type "string" | "integer" | "number" | "boolean" | "list" | "choice" | "file"
---@field default? any A value of the type; not for files.
---@field help? string
---@field required? boolean
---@field choices? string[] For `choice`.

--- What a file parameter is to the recipe.
---@class godwit.File
---@field name string As it was typed.
local File = {}

--- The whole content.
---@return string
function File:bytes() end

--- Iterates over the lines, without their ends (LF or CR LF).
---@return fun(): string?
function File:lines() end

return gw
