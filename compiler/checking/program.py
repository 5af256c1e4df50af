"""Checks all that calls kernels: `main` above all, places in arena and weights, and the linked program."""

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from penstock.backends.nests.buffers import fresh_buffer
from penstock.checking.comparison import BROKEN, NONE, Difference, bit_difference, bounded_difference
from penstock.checking.contracts import contract_of
from penstock.checking.execution import ExecutionError, entry, execute, nodes_of, service_memory
from penstock.checking.instances import Machine, level_of
from penstock.checking.judgement import FLOOR, Broken, Observed, verify
from penstock.checking.kernels import CODE
from penstock.checking.report import CheckStep, MiscompilationError, Reduced
from penstock.checking.whole import Session
from penstock.dialects.nest.ops import element_of, shape_of
from penstock.dialects.resources import Array
from penstock.package import ENTRY


class ProgramCheck:
    """`main` on its way through the passes that lower it, beside kernels that are checked already."""

    def __init__(self, session: Session, passes: Sequence[ModulePass], planned: Observed, machine: Machine):
        self.session, self.passes, self.planned, self.machine = session, passes, planned, machine
        self.failed: MiscompilationError | None = None
        self._arguments = list(arguments_of(entry(planned.case.module), planned.case.inputs))
        self._last: list[Array] | None = None

    def steps(
        self, main: ModuleOp, kernels: Sequence[bytes], longest_sum: int, truth: Sequence[Array] | None
    ) -> Iterator[CheckStep]:
        """A step for each pass and one for the optimised program; after a failure there are no more."""
        module = main.clone()
        for number in range(len(self.passes) + 1):
            before = module.clone()
            try:
                found = self._advance(module, number, kernels, longest_sum, truth)
                detail = found.described(self.session.output_names)
            except Broken as problem:
                found, detail = BROKEN, str(problem)
            step = self._step(number, module, found)
            if not found.is_allowed:
                nodes = nodes_of(before)
                self.failed = self.session.failure(step, detail, Reduced(before, self._arguments), nodes)
            yield step
            if self.failed is not None:
                return

    def _step(self, number: int, module: ModuleOp, found: Difference) -> CheckStep:
        if number == len(self.passes):
            return CheckStep(CODE, "code", "exact", found.error, found.bound, found.is_allowed, ENTRY)
        name, numerics = self.passes[number].name, contract_of(self.passes[number]).text
        return CheckStep(name, level_of(module), numerics, found.error, found.bound, found.is_allowed, ENTRY)

    def _advance(
        self,
        module: ModuleOp,
        number: int,
        kernels: Sequence[bytes],
        longest_sum: int,
        truth: Sequence[Array] | None,
    ) -> Difference:
        is_last = number == len(self.passes)
        if not is_last:
            self.passes[number].apply(self.session.context, module)
        if level_of(module) != "llvm":
            verify(module)
            return self._interpreted(module)
        code = self.machine.compile(module, optimised=is_last)
        (arguments,) = self.machine.run([code, *kernels], ENTRY, [self._arguments])
        outputs = self._outputs(arguments)
        previous, self._last = self._last, outputs
        if previous is not None:
            return bit_difference(previous, outputs) or NONE
        growth = 2 * (FLOOR + sqrt(longest_sum) + sum(contract_of(p).ulps for p in self.passes))
        bounds = [growth * error for error in self.planned.errors(truth)]
        return bounded_difference(self.planned.outputs, outputs, bounds) or NONE

    def _interpreted(self, module: ModuleOp) -> Difference:
        """The lowered `main` with the kernels as they were planned: its steps must be the same."""
        whole = self.planned.case.module
        lowered = [f.clone() for f in module.ops if isinstance(f, FuncOp) and f.body.blocks]
        names = {f.sym_name.data for f in lowered}
        kernels = [f.clone() for f in whole.ops if isinstance(f, FuncOp) and f.sym_name.data not in names]
        joined = ModuleOp([*lowered, *kernels])
        try:
            outputs = execute(self.planned.case.on(joined))
        except ExecutionError as error:
            raise Broken(f"the program cannot be executed any more: {error}") from error
        return bit_difference(self.planned.outputs, outputs) or NONE

    def _outputs(self, arguments: Sequence[Array]) -> list[Array]:
        """The outputs among the arguments; what is only read must be as it was."""
        main = entry(self.planned.case.module)
        outputs: list[Array] = []
        for index, (given, left) in enumerate(zip(self._arguments, arguments, strict=True)):
            is_read = index < len(self.planned.case.inputs) or _is_weights(main, index)
            if is_read and not np.array_equal(_raw(given), _raw(left)):
                raise Broken(f"the program writes to its argument {index}, which it may only read")
            if not is_read and service_memory(main, index) is None:
                outputs.append(left)
        return outputs


def _raw(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _is_weights(main: FuncOp, index: int) -> bool:
    return main.arg_attrs is not None and "nest.weights" in main.arg_attrs.data[index].data


def arguments_of(main: FuncOp, inputs: Sequence[Array]) -> Iterator[Array]:
    """Inputs, outputs and arena full of garbage, and the weights."""
    yield from (np.asarray(a, order="C") for a in inputs)
    for argument in main.args[len(inputs) :]:
        service = service_memory(main, argument.index)
        yield fresh_buffer(shape_of(argument), element_of(argument)) if service is None else service
