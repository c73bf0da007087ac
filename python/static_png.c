/* Debian's libpng16.a is compiled for programs, not for shared libraries: it reaches for stderr, which another library
 * holds, at a fixed distance. The linker gives it this variable instead. Nothing is ever written: the decoder hands
 * libpng functions of its own for warnings and errors. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

__attribute__((visibility("hidden"))) FILE* dcgan_stderr;

__attribute__((constructor)) static void find_stderr(void) {
  FILE** found = (FILE**)dlsym(RTLD_DEFAULT, "stderr");
  dcgan_stderr = found == NULL ? NULL : *found;
}
