# The CUDA compiler and the architectures. 80 serves 8.6 and 8.9 too, 100f 10.3, 120f 12.1, and the PTX all that come.

set(BLIP3O_CUDA_ARCHITECTURES "80-real;90-real;100f-real;120f-real;80-virtual" CACHE STRING
    "What the kernels are compiled for; for the present device alone, 90-real for example")

if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
# The test of the compiler needs no more than one, and CMake 3.25 knows no families.
set(CMAKE_CUDA_ARCHITECTURES 80-real)
enable_language(CUDA)
set(CMAKE_CUDA_ARCHITECTURES ${BLIP3O_CUDA_ARCHITECTURES})
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR "The CUDA backend needs nvcc 13 or newer: ${CMAKE_CUDA_COMPILER} is "
                      "${CMAKE_CUDA_COMPILER_VERSION}")
endif()

# CMake 3.25 doesn't know nvcc's flag and would compile C++17 without a word.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_FLAGS_RELEASE "-O3 -DNDEBUG")
find_package(CUDAToolkit REQUIRED)

# Beside each object: what the compiler says of its kernels.
set(CMAKE_CUDA_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/keep_resources.sh")
