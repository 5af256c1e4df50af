// RUN: penstock-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

func.func @no_such_ordering(%p: !llvm.ptr, %a: i32) {
  %x = llvm.atomicrmw add %p, %a sometimes : !llvm.ptr, i32
  func.return
}

// CHECK: unknown atomic ordering 'sometimes'

// -----

func.func @no_such_operator(%p: !llvm.ptr, %a: i32) {
  %x = llvm.atomicrmw div %p, %a acquire : !llvm.ptr, i32
  func.return
}

// CHECK: unknown atomic operator 'div'

// -----

func.func @too_weak(%p: !llvm.ptr, %a: i32) {
  %x = llvm.atomicrmw add %p, %a unordered : !llvm.ptr, i32
  func.return
}

// CHECK: llvm.atomicrmw: ordering 1 is not at least monotonic

// -----

func.func @nothing_to_release(%p: !llvm.ptr, %a: i32) {
  %x = llvm.cmpxchg %p, %a, %a acq_rel release : !llvm.ptr, i32
  func.return
}

// CHECK: llvm.cmpxchg: a failure writes nothing that it could release
