/* TrackableObjectGraph between bytes and our nodes. The only file of the module that sees what protobuf-c generates.
 *
 *   graph = node*                    node 0 is the root; ids are positions
 *   node  = 1 child { 1 id, 2 name }* | 2 attribute { 1 name, 2 full name, 3 key, 4 optional_restore }*
 *         | 3 slot { 1 variable, 2 name, 3 slot variable }* | 4 saver { 1 name, 2 object } | 5 { 1 has values }
 */
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/pb_memory.h"
#include "../base/utf8.h"
#include "graph.h"
#include "graph.pb-c.h"

typedef Tensorflow__TrackableObjectGraph graph_message;
typedef Tensorflow__TrackableObjectGraph__TrackableObject node_message;
typedef Tensorflow__TrackableObjectGraph__TrackableObject__ObjectReference edge_message;
typedef Tensorflow__TrackableObjectGraph__TrackableObject__SerializedTensor attribute_message;
typedef Tensorflow__TrackableObjectGraph__TrackableObject__SlotVariableReference slot_message;

/* Memory an unpacked graph may take, as a multiple of its bytes. An empty node, two bytes, takes 84 times as much, and nothing
 * takes more: what can be written can be read again. */
enum { GROWTH = 96 };

/* ---- Decoding */

typedef struct gw_decoding {
  gw_graph *graph;
  gw_error *error;
  gw_status status;
  size_t node; /* in hand, for messages */
} gw_decoding;

static bool decode_failed(gw_decoding *decoding, const char *what) {
  if (decoding->status == GW_OK)
    decoding->status = gw__fail(decoding->error, GW_CORRUPT, "object graph: node %zu: %s", decoding->node, what);
  return false;
}

static void *take(gw_decoding *decoding, size_t count, size_t size) {
  /* Counts come from a message that is in memory: the product cannot overflow. */
  void *memory = gw__arena_alloc(&decoding->graph->arena, count * size, decoding->error);
  if (!memory) decoding->status = GW_NO_MEMORY;
  else memset(memory, 0, count * size);
  return memory;
}

static bool text(gw_decoding *decoding, const ProtobufCBinaryData *bytes, gw_span *out) {
  /* As protobuf's own parsers do. */
  if (gw__utf8_valid(bytes->data, bytes->len) < bytes->len) return decode_failed(decoding, "a name is not UTF-8");
  out->data = gw__arena_text(&decoding->graph->arena, (const char *)bytes->data, bytes->len, decoding->error);
  out->size = bytes->len;
  if (!out->data) decoding->status = GW_NO_MEMORY;
  return out->data != NULL;
}

static bool node_id(gw_decoding *decoding, int32_t id, size_t count, uint32_t *out) {
  if (id < 0 || (size_t)id >= count) return decode_failed(decoding, "a node id is out of range");
  *out = (uint32_t)id;
  return true;
}

/* No field has the number 0, and every parser refuses one; but protobuf-c does so only where it takes one byte. */
static bool numbered(gw_decoding *decoding, const ProtobufCMessage *message) {
  for (size_t i = 0; i < message->n_unknown_fields; i++)
    if (message->unknown_fields[i].tag == 0) return decode_failed(decoding, "a field has the number 0");
  return true;
}

static bool unknown(gw_decoding *decoding, const ProtobufCMessage *message, gw_unknown **out) {
  if (message->n_unknown_fields == 0) return true;
  if (!numbered(decoding, message)) return false;
  gw_unknown *kept = take(decoding, 1, sizeof *kept);
  if (kept) kept->fields = take(decoding, message->n_unknown_fields, sizeof *kept->fields);
  if (!kept || !kept->fields) return false;
  for (; kept->count < message->n_unknown_fields; kept->count++) {
    const ProtobufCMessageUnknownField *field = &message->unknown_fields[kept->count];
    struct gw_unknown_field *copy = &kept->fields[kept->count];
    copy->tag = field->tag;
    copy->wire_type = (int)field->wire_type;
    copy->bytes.data = gw__arena_text(&decoding->graph->arena, (const char *)field->data, field->len, decoding->error);
    copy->bytes.size = field->len;
    if (!copy->bytes.data) {
      decoding->status = GW_NO_MEMORY;
      return false;
    }
  }
  *out = kept;
  return true;
}

static bool decode_edges(gw_decoding *decoding, const node_message *message, gw_node *node, size_t count) {
  node->edges = take(decoding, message->n_children, sizeof *node->edges);
  for (size_t i = 0; node->edges && i < message->n_children; i++) {
    gw_edge *edge = &node->edges[i];
    if (!numbered(decoding, &message->children[i]->base)) return false;
    if (!node_id(decoding, message->children[i]->node_id, count, &edge->child)) return false;
    if (!text(decoding, &message->children[i]->local_name, &edge->name)) return false;
    node->edge_capacity = ++node->edge_count;
  }
  return node->edges != NULL;
}

static bool decode_attributes(gw_decoding *decoding, const node_message *message, gw_node *node) {
  node->attributes = take(decoding, message->n_attributes, sizeof *node->attributes);
  for (size_t i = 0; node->attributes && i < message->n_attributes; i++) {
    const attribute_message *source = message->attributes[i];
    gw_attribute *attribute = &node->attributes[i];
    attribute->optional_restore = source->optional_restore;
    if (!text(decoding, &source->name, &attribute->name) || !text(decoding, &source->full_name, &attribute->full_name) ||
        !text(decoding, &source->checkpoint_key, &attribute->key) || !unknown(decoding, &source->base, &attribute->unknown))
      return false;
    node->attribute_count++;
  }
  return node->attributes != NULL;
}

static bool decode_slots(gw_decoding *decoding, const node_message *message, gw_node *node, size_t count) {
  node->slots = take(decoding, message->n_slot_variables, sizeof *node->slots);
  for (size_t i = 0; node->slots && i < message->n_slot_variables; i++) {
    const slot_message *source = message->slot_variables[i];
    gw_slot *slot = &node->slots[i];
    if (!numbered(decoding, &source->base) || !node_id(decoding, source->original_variable_node_id, count, &slot->variable) ||
        !node_id(decoding, source->slot_variable_node_id, count, &slot->slot) || !text(decoding, &source->slot_name, &slot->name))
      return false;
    node->slot_capacity = ++node->slot_count;
  }
  return node->slots != NULL;
}

static bool decode_node(gw_decoding *decoding, const node_message *message, gw_node *node, size_t count) {
  if (message->registered_saver) {
    node->has_saver = true;
    if (!numbered(decoding, &message->registered_saver->base) ||
        !text(decoding, &message->registered_saver->name, &node->saver_name) ||
        !text(decoding, &message->registered_saver->object_name, &node->saver_object))
      return false;
  }
  if (message->has_checkpoint_values && !numbered(decoding, &message->has_checkpoint_values->base)) return false;
  if (message->has_checkpoint_values) node->has_values = message->has_checkpoint_values->value ? GW_TRUE : GW_FALSE;
  return decode_edges(decoding, message, node, count) && decode_attributes(decoding, message, node) &&
         decode_slots(decoding, message, node, count) && unknown(decoding, &message->base, &node->unknown);
}

gw_status gw__graph_decode(gw_span bytes, gw_graph *graph, gw_error *error) {
  gw_pb_memory memory;
  ProtobufCAllocator allocator = gw__pb_start(&memory, bytes.size, GROWTH);
  gw_decoding decoding = {.graph = graph, .error = error, .status = GW_OK};
  graph_message *message = tensorflow__trackable_object_graph__unpack(&allocator, bytes.size, (const uint8_t *)bytes.data);
  if (!message) {
    gw_status status = gw__pb_failed(&memory, "the object graph is not a TrackableObjectGraph", error);
    gw__arena_free(&memory.arena);
    return status;
  }
  if (message->n_nodes == 0) decoding.status = gw__fail(error, GW_CORRUPT, "the object graph has no nodes");
  else if (numbered(&decoding, &message->base))
    decoding.status = gw__reserve((void **)&graph->nodes, &graph->node_capacity, message->n_nodes, sizeof *graph->nodes, error);
  for (size_t i = 0; decoding.status == GW_OK && i < message->n_nodes; i++) {
    decoding.node = i;
    graph->nodes[i] = (gw_node){0};
    graph->node_count++;
    decode_node(&decoding, message->nodes[i], &graph->nodes[i], message->n_nodes);
  }
  gw__arena_free(&memory.arena);
  return decoding.status;
}

/* ---- Encoding: messages are laid out in an arena, then packed at once */

typedef struct gw_packing {
  gw_arena arena;
  gw_error *error;
  const uint32_t *numbers;
  size_t count; /* nodes from this number on are not written, nor what leads to them */
  bool failed;
} gw_packing;

static void *lay(gw_packing *packing, size_t count, size_t size) {
  void *memory = gw__arena_alloc(&packing->arena, count * size, packing->error);
  if (!memory) packing->failed = true;
  return memory;
}

static ProtobufCBinaryData data_of(gw_span span) {
  return (ProtobufCBinaryData){span.size, (uint8_t *)(uintptr_t)span.data};
}

static void pack_unknown(gw_packing *packing, const gw_unknown *kept, ProtobufCMessage *message) {
  if (!kept) return;
  ProtobufCMessageUnknownField *fields = lay(packing, kept->count, sizeof *fields);
  for (size_t i = 0; fields && i < kept->count; i++) {
    fields[i].tag = kept->fields[i].tag;
    fields[i].wire_type = (ProtobufCWireType)kept->fields[i].wire_type;
    fields[i].len = kept->fields[i].bytes.size;
    fields[i].data = (uint8_t *)(uintptr_t)kept->fields[i].bytes.data;
  }
  if (!fields) return;
  message->n_unknown_fields = (unsigned)kept->count;
  message->unknown_fields = fields;
}

static void pack_edges(gw_packing *packing, const gw_node *node, node_message *message) {
  edge_message **pointers = lay(packing, node->edge_count, sizeof *pointers);
  edge_message *edges = lay(packing, node->edge_count, sizeof *edges);
  for (size_t i = 0; pointers && edges && i < node->edge_count; i++) {
    uint32_t child = packing->numbers[node->edges[i].child];
    if (child >= packing->count) continue;
    edge_message *edge = &edges[message->n_children];
    tensorflow__trackable_object_graph__trackable_object__object_reference__init(edge);
    edge->node_id = (int32_t)child;
    edge->local_name = data_of(node->edges[i].name);
    pointers[message->n_children++] = edge;
  }
  message->children = pointers;
}

static void pack_attributes(gw_packing *packing, const gw_node *node, node_message *message) {
  attribute_message **pointers = lay(packing, node->attribute_count, sizeof *pointers);
  attribute_message *attributes = lay(packing, node->attribute_count, sizeof *attributes);
  for (size_t i = 0; pointers && attributes && i < node->attribute_count; i++) {
    const gw_attribute *source = &node->attributes[i];
    tensorflow__trackable_object_graph__trackable_object__serialized_tensor__init(&attributes[i]);
    attributes[i].name = data_of(source->name);
    attributes[i].full_name = data_of(source->full_name);
    attributes[i].checkpoint_key = data_of(source->key);
    attributes[i].optional_restore = source->optional_restore;
    pack_unknown(packing, source->unknown, &attributes[i].base);
    pointers[i] = &attributes[i];
  }
  message->n_attributes = node->attribute_count;
  message->attributes = pointers;
}

static void pack_slots(gw_packing *packing, const gw_node *node, node_message *message) {
  slot_message **pointers = lay(packing, node->slot_count, sizeof *pointers);
  slot_message *slots = lay(packing, node->slot_count, sizeof *slots);
  for (size_t i = 0; pointers && slots && i < node->slot_count; i++) {
    uint32_t variable = packing->numbers[node->slots[i].variable], slot_node = packing->numbers[node->slots[i].slot];
    if (variable >= packing->count || slot_node >= packing->count) continue;
    slot_message *slot = &slots[message->n_slot_variables];
    tensorflow__trackable_object_graph__trackable_object__slot_variable_reference__init(slot);
    slot->original_variable_node_id = (int32_t)variable;
    slot->slot_name = data_of(node->slots[i].name);
    slot->slot_variable_node_id = (int32_t)slot_node;
    pointers[message->n_slot_variables++] = slot;
  }
  message->slot_variables = pointers;
}

static void pack_node(gw_packing *packing, const gw_node *node, gw_presence has_values, node_message *message) {
  tensorflow__trackable_object_graph__trackable_object__init(message);
  pack_edges(packing, node, message);
  pack_attributes(packing, node, message);
  pack_slots(packing, node, message);
  pack_unknown(packing, node->unknown, &message->base);
  if (node->has_saver) {
    Tensorflow__RegisteredSaver *saver = lay(packing, 1, sizeof *saver);
    if (!saver) return;
    tensorflow__registered_saver__init(saver);
    saver->name = data_of(node->saver_name);
    saver->object_name = data_of(node->saver_object);
    message->registered_saver = saver;
  }
  if (has_values != GW_ABSENT) {
    Tensorflow__BoolValue *value = lay(packing, 1, sizeof *value);
    if (!value) return;
    tensorflow__bool_value__init(value);
    value->value = has_values == GW_TRUE;
    message->has_checkpoint_values = value;
  }
}

gw_status gw__graph_pack(const gw_graph *graph, const uint32_t *order, const uint32_t *numbers, size_t count,
                         const gw_presence *values, gw_buf *out, gw_error *error) {
  gw_packing packing = {.arena = GW_ARENA_INIT, .error = error, .numbers = numbers, .count = count};
  graph_message message = TENSORFLOW__TRACKABLE_OBJECT_GRAPH__INIT;
  node_message **pointers = lay(&packing, count, sizeof *pointers);
  node_message *nodes = lay(&packing, count, sizeof *nodes);
  for (size_t i = 0; !packing.failed && i < count; i++) {
    pack_node(&packing, &graph->nodes[order[i]], values[order[i]], &nodes[i]);
    pointers[i] = &nodes[i];
  }
  gw_status status = packing.failed ? GW_NO_MEMORY : GW_OK;
  if (status == GW_OK) {
    message.n_nodes = count;
    message.nodes = pointers;
    size_t size = tensorflow__trackable_object_graph__get_packed_size(&message);
    if (gw__buf_reserve(out, size)) out->size += tensorflow__trackable_object_graph__pack(&message, out->data + out->size);
    status = gw__buf_status(out, error);
  }
  gw__arena_free(&packing.arena);
  return status;
}
