// RUN: penstock-opt %s | filecheck %s

func.func @round_trip(%p: !llvm.ptr, %a: i32, %b: i64) {
  %x = llvm.atomicrmw xchg %p, %a seq_cst : !llvm.ptr, i32
  %y = llvm.atomicrmw _or %p, %b monotonic : !llvm.ptr, i64
  %z = llvm.cmpxchg %p, %a, %x acq_rel acquire : !llvm.ptr, i32
  %w = llvm.extractvalue %z[1] : !llvm.struct<(i32, i1)>
  %v = llvm.load %p atomic acquire {alignment = 4 : i64} : !llvm.ptr -> i32
  func.return
}

// CHECK: builtin.module {
// CHECK-NEXT:   func.func @round_trip(%p: !llvm.ptr, %a: i32, %b: i64) {
// CHECK-NEXT:     %x = llvm.atomicrmw xchg %p, %a seq_cst : !llvm.ptr, i32
// CHECK-NEXT:     %y = llvm.atomicrmw _or %p, %b monotonic : !llvm.ptr, i64
// CHECK-NEXT:     %z = llvm.cmpxchg %p, %a, %x acq_rel acquire : !llvm.ptr, i32
// CHECK-NEXT:     %w = llvm.extractvalue %z[1] : !llvm.struct<(i32, i1)>
// CHECK-NEXT:     %v = llvm.load %p atomic acquire {alignment = 4 : i64} : !llvm.ptr -> i32
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
