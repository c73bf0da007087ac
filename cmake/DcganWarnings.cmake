# dcgan_warnings(TARGET): the warnings that every target of this project is compiled with.
function(dcgan_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                           $<$<BOOL:${DCGAN_WERROR}>:-Werror>)
endfunction()
