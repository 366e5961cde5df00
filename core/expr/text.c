/* Expressions as a person reads them, written as a recipe could write them. */
#include <string.h>

#include "../tensor/tensor.h"
#include "expr.h"

enum {
  LONGEST = 2000,  /* bytes of a whole expression, beyond which it ends in "..." */
  LISTED = 8       /* numbers and operands that are listed */
};

void gw__put_type(gw_buf *out, const gw_tensor *tensor) {
  gw__put_dtype(out, tensor->dtype);
  gw__put_shape(out, tensor->rank, tensor->dims);
}

static void put_number(gw_buf *out, int dtype, const void *element) {
  gw_number number;
  if (gw_number_get(dtype, element, &number)) gw__put_number(out, dtype, &number, true);
}

static void put_element(gw_buf *out, const gw_tensor *tensor) {
  if (tensor->dtype == GW_DT_STRING) {
    gw_span string;
    char text[48];
    if (gw__split_strings(tensor->bytes, tensor->size, &string, 1, NULL) != GW_OK) return;
    gw_printable(text, sizeof text, string.data, string.size);
    gw__put_format(out, "\"%s\"", text);
  } else {
    put_number(out, tensor->dtype, tensor->bytes);
  }
}

static bool all_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i]) return false;
  return true;
}

/* What a maker of constants is called in Lua, with its arguments. */
void gw__put_constant(gw_buf *out, const gw_tensor *tensor) {
  bool zeros = tensor->op == GW_OP_FILL && all_zero(tensor->bytes, tensor->size);
  if (tensor->rank == 0 && !zeros) {
    gw__put_text(out, "scalar(");
    put_element(out, tensor);
    gw__put_text(out, ", ");
  } else if (tensor->op == GW_OP_FILL) {
    gw__put_text(out, zeros ? "zeros(" : "full(");
    gw__put_shape(out, tensor->rank, tensor->dims);
    gw__put_text(out, ", ");
    if (!zeros) {
      put_element(out, tensor);
      gw__put_text(out, ", ");
    }
  } else {
    gw__put_text(out, "tensor(");
    gw__put_shape(out, tensor->rank, tensor->dims);
    gw__put_text(out, ", ");
  }
  gw__put_dtype(out, tensor->dtype);
  gw__put_u8(out, ')');
}

/* ---- Expressions. Recursion is bounded by GW_MAX_DEPTH and by the text's length. */

typedef struct gw_writer {
  gw_buf *out;
  size_t end;     /* where the text is long enough */
  bool sources;   /* several checkpoints: names alone would not say whose */
  bool cut;
} gw_writer;

static void put(gw_writer *writer, const gw_tensor *tensor);

static void put_leaf(gw_writer *writer, const gw_tensor *tensor) {
  gw_span name;
  char text[512];
  if (writer->sources) {
    tensor->ops->describe(tensor->source, tensor->index, writer->out);
    return;
  }
  tensor->ops->name(tensor->source, tensor->index, &name);
  gw_printable(text, sizeof text, name.data, name.size);
  gw__put_text(writer->out, text);
}

static void put_numbers(gw_writer *writer, const int64_t *numbers, size_t count) {
  gw__put_u8(writer->out, '[');
  for (size_t i = 0; i < count && i < LISTED; i++) gw__put_format(writer->out, i ? ",%lld" : "%lld", (long long)numbers[i]);
  if (count > LISTED) gw__put_format(writer->out, ",... %zu in all", count);
  gw__put_u8(writer->out, ']');
}

static void put_list(gw_writer *writer, const gw_how *how) {
  gw__put_u8(writer->out, '[');
  for (size_t i = 0; i < how->operand_count && i < LISTED; i++) {
    if (i > 0) gw__put_text(writer->out, ", ");
    put(writer, how->stacked ? how->operands[i]->how->operands[0] : how->operands[i]);
  }
  if (how->operand_count > LISTED) gw__put_format(writer->out, ", ... %zu in all", how->operand_count);
  gw__put_u8(writer->out, ']');
}

static void put_binary(gw_writer *writer, const gw_how *how) {
  gw__put_u8(writer->out, '(');
  put(writer, how->operands[0]);
  gw__put_format(writer->out, " %s ", gw__binary_name((gw_binary)how->function));
  /* A number beside a tensor is what the recipe wrote: its dtype follows. */
  const gw_tensor *right = how->operands[1];
  if (right->op == GW_OP_FILL && right->rank == 0) put_element(writer->out, right);
  else put(writer, right);
  gw__put_u8(writer->out, ')');
}

static void put_random(gw_writer *writer, const gw_tensor *tensor) {
  static const char *const names[] = {"random_uniform(", "random_normal(", "truncated_normal("};
  const gw_random *random = &tensor->how->random;
  gw__put_text(writer->out, names[random->kind]);
  gw__put_shape(writer->out, tensor->rank, tensor->dims);
  gw__put_text(writer->out, ", ");
  gw__put_dtype(writer->out, tensor->dtype);
  gw__put_format(writer->out, ", %s %g, %s %g, seed %llu)", random->kind == GW_RANDOM_UNIFORM ? "from" : "mean", random->a,
                 random->kind == GW_RANDOM_UNIFORM ? "to" : "stddev", random->b, (unsigned long long)random->seed);
}

static void put_weights(gw_writer *writer, const gw_how *how) {
  if (!how->weights) return;
  gw__put_text(writer->out, ", [");
  for (size_t i = 0; i < how->operand_count && i < LISTED; i++) gw__put_format(writer->out, i ? ", %g" : "%g", how->weights[i]);
  gw__put_text(writer->out, how->operand_count > LISTED ? ", ...]" : "]");
}

static const char *call_name(const gw_tensor *tensor) {
  switch (tensor->op) {
    case GW_OP_CAST: return "cast";
    case GW_OP_UNARY: return gw__unary_name((gw_unary)tensor->how->function);
    case GW_OP_CLIP: return "clip";
    case GW_OP_MEAN: return "mean";
    case GW_OP_RESHAPE: return "reshape";
    case GW_OP_TRANSPOSE: return "transpose";
    case GW_OP_SLICE: return "slice";
    case GW_OP_GATHER: return tensor->how->operand_count > 1 ? "remap" : "gather";
    case GW_OP_PAD: return "pad";
    case GW_OP_PARTITION: return "partition";
    default: return tensor->how->stacked ? "stack" : "concat";
  }
}

static void put_pad(gw_writer *writer, const gw_tensor *tensor) {
  const gw_how *how = tensor->how;
  int64_t after[GW_MAX_RANK];
  for (size_t i = 0; i < tensor->rank; i++) after[i] = tensor->dims[i] - how->numbers[i] - how->operands[0]->dims[i];
  put_numbers(writer, how->numbers, tensor->rank);
  gw__put_text(writer->out, ", ");
  put_numbers(writer, after, tensor->rank);
  if (all_zero(how->low, sizeof how->low)) return;
  gw__put_text(writer->out, ", ");
  put_number(writer->out, tensor->dtype, how->low);
}

static void put_arguments(gw_writer *writer, const gw_tensor *tensor) {
  const gw_how *how = tensor->how;
  gw_buf *out = writer->out;
  if (tensor->op == GW_OP_UNARY) return;
  if (tensor->op == GW_OP_MEAN) {
    put_weights(writer, how);
    return;
  }
  gw__put_text(out, ", ");
  switch (tensor->op) {
    case GW_OP_CAST: gw__put_dtype(out, tensor->dtype); break;
    case GW_OP_CLIP:
      put_number(out, tensor->dtype, how->low);
      gw__put_text(out, ", ");
      put_number(out, tensor->dtype, how->high);
      break;
    case GW_OP_RESHAPE: gw__put_shape(out, tensor->rank, tensor->dims); break;
    case GW_OP_TRANSPOSE: put_numbers(writer, how->numbers, tensor->rank); break;
    case GW_OP_SLICE:
      put_numbers(writer, how->numbers, tensor->rank);
      gw__put_text(out, ", ");
      gw__put_shape(out, tensor->rank, tensor->dims);
      break;
    case GW_OP_GATHER:
      put_numbers(writer, how->numbers, (size_t)tensor->dims[how->axis]);
      gw__put_format(out, ", %lld", (long long)how->axis);
      if (how->operand_count > 1) {
        gw__put_text(out, ", ");
        put(writer, how->operands[1]);
      }
      break;
    case GW_OP_PAD: put_pad(writer, tensor); break;
    case GW_OP_PARTITION:
      gw__put_format(out, "%lld", (long long)how->numbers[0]);
      if (how->numbers[0] > 1) gw__put_format(out, ", %lld", (long long)how->axis);
      break;
    default: gw__put_format(out, "%lld", (long long)how->axis);
  }
}

static void put(gw_writer *writer, const gw_tensor *tensor) {
  if (writer->out->size >= writer->end) {
    if (!writer->cut) gw__put_text(writer->out, "...");
    writer->cut = true;
    return;
  }
  switch (tensor->op) {
    case GW_OP_LEAF: put_leaf(writer, tensor); return;
    case GW_OP_CONSTANT: case GW_OP_FILL: gw__put_constant(writer->out, tensor); return;
    case GW_OP_RANDOM: put_random(writer, tensor); return;
    case GW_OP_BINARY: put_binary(writer, tensor->how); return;
    default: break;
  }
  if (tensor->op == GW_OP_UNARY && tensor->how->function == GW_NEGATE) {
    gw__put_u8(writer->out, '-');
    put(writer, tensor->how->operands[0]);
    return;
  }
  gw__put_format(writer->out, "%s(", call_name(tensor));
  if (tensor->op == GW_OP_MEAN || tensor->op == GW_OP_CONCAT) put_list(writer, tensor->how);
  else put(writer, tensor->how->operands[0]);
  put_arguments(writer, tensor);
  gw__put_u8(writer->out, ')');
}

void gw__put_expression(gw_buf *out, const gw_tensor *tensor) {
  gw_writer writer = {.out = out, .end = out->size + LONGEST};
  for (size_t i = 1; i < tensor->leaf_count; i++)
    writer.sources = writer.sources || tensor->leaves[i].leaf->source != tensor->leaves[0].leaf->source;
  put(&writer, tensor);
}
