/* Tells clang's analyzer (which sees one file at a time) that a failure never returns GW_OK: `make lint` includes this in
 * front of every file of core but the one that defines these functions. */
#include "../../core/base/error.h"

#define gw__fail(error, status, ...) (gw__fail((error), (status), __VA_ARGS__), (status))
#define gw__fail_system(error, number, ...) (gw__fail_system((error), (number), __VA_ARGS__), GW_IO)
#define gw__error_file(error, file) (gw__error_file((error), (file)), GW_OK) /* as for a caller without an error object */
