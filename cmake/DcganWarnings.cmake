# dcgan_warnings(TARGET): the warnings that every target of this project is compiled with. Clang's -Wconversion asks for
# a cast wherever a signed number becomes an index, which g++'s does not: sizes here are int64_t, and checked.
function(dcgan_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                           $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
                                           $<$<BOOL:${DCGAN_WERROR}>:-Werror>)
endfunction()
