"""No modules import each other, not even lazily or for type checking only."""

from graphlib import TopologicalSorter

import grimp


def test_imports_have_no_cycle():
    graph = grimp.build_graph("cifake", exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order = list(TopologicalSorter(imports).static_order())  # raises CycleError, with the cycle
    assert len(order) > 100
