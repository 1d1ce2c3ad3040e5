# estuary_fuzzer(name SOURCES ... DEPS ... [SECONDS 60])
#
# A fuzzer is a file that defines LLVMFuzzerTestOneInput and a folder corpus/<name> beside its CMakeLists.txt, which
# is kept in git: small inputs that reach far, and every input that ever broke something.
#   preset fuzz     libFuzzer looks for new inputs for SECONDS (or $ESTUARY_FUZZ_SECONDS), on top of the corpus; label fuzz
#   other presets   the same code runs over the corpus alone, as a quick test; label unit
function(estuary_fuzzer name)
  cmake_parse_arguments(A "" "SECONDS" "SOURCES;DEPS" ${ARGN})
  if(NOT A_SECONDS)
    set(A_SECONDS 60)
  endif()
  set(target fuzz_${name})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  set(harness ${PROJECT_SOURCE_DIR}/tests/fuzz/harness)
  add_executable(${target} ${A_SOURCES})
  target_link_libraries(${target} PRIVATE estuary::options ${A_DEPS})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  if(ESTUARY_SANITIZE STREQUAL "fuzzer")
    if(NOT TARGET fuzzers)
      add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${target})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name}
             COMMAND ${harness}/run_fuzzer $<TARGET_FILE:${target}> ${name} ${A_SECONDS} ${corpus}
                     ${PROJECT_BINARY_DIR}/fuzz/${name})
    # The script keeps the time.
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 86400)
  else()
    target_sources(${target} PRIVATE ${harness}/corpus_main.cc)
    add_test(NAME fuzz_corpus.${name} COMMAND ${target} ${corpus})
    set_tests_properties(fuzz_corpus.${name} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
