// Stands in for libtorch.so, under its name and as empty as it is: what names it gets libtorch_cpu.so, without CUDA.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AOTInductor packages need libtorch.so. That of the CUDA wheel needs all of CUDA, which a CPU has no use for.
