# DCGAN_SANITIZE: a list for -fsanitize, such as "address,undefined" or "thread"; empty for none.
set(DCGAN_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, comma-separated; empty for none")
if(DCGAN_SANITIZE)
  add_compile_options(-fsanitize=${DCGAN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DCGAN_SANITIZE})
endif()

# DCGAN_COVERAGE: which lines run. Run the tests, then, in the build folder:
#   gcovr -r SOURCE --gcov-ignore-parse-errors --filter 'SOURCE/libdcgan/src/store/' libdcgan/src/store
option(DCGAN_COVERAGE "Count how often each line runs (gcov)" OFF)
if(DCGAN_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
