# DCGAN_SANITIZE: a list for -fsanitize, such as "address,undefined" or "thread"; empty for none.
set(DCGAN_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, comma-separated; empty for none")
if(DCGAN_SANITIZE)
  add_compile_options(-fsanitize=${DCGAN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DCGAN_SANITIZE})
endif()
