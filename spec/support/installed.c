/* What a user of libgodwit writes: opens the checkpoint named and prints its tensors. Built by installed.sh against an
 * installation, through pkg-config. */
#include <godwit.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(const gw_error *error) {
  char text[2048];
  gw_error_format(error, text, sizeof text);
  fprintf(stderr, "%s\n", text);
  return 1;
}

int main(int argc, char **argv) {
  gw_error error = GW_ERROR_INIT;
  gw_bundle *bundle = NULL;
  if (argc != 2) return 2;
  if (gw_bundle_open(argv[1], &bundle, &error) != GW_OK) return fail(&error);
  for (size_t i = 0; i < gw_bundle_count(bundle); i++) {
    gw_entry_info info;
    gw_bundle_entry(bundle, i, &info);
    printf("%.*s %s %" PRIu64 "\n", (int)info.name.size, info.name.data, gw_dtype_name(info.dtype), info.size);
  }
  gw_bundle_release(bundle);
  return 0;
}
