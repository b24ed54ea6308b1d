"""What to change so that findings of the rules on configuration go away, by the rule's id.

A remedy is *safe* (no caution) where it takes nothing away that an ordinary workload uses and nothing that somebody
asked for by name. All others carry a caution, and are applied only where a person agrees.
"""

from seawall.analysis.posture.remedies.components import COMPONENTS
from seawall.analysis.posture.remedies.objects import OBJECTS
from seawall.analysis.posture.remedies.workloads import WORKLOADS
from seawall.model.remedy import Remedy

REMEDIES: dict[str, Remedy] = {**WORKLOADS, **OBJECTS, **COMPONENTS}
