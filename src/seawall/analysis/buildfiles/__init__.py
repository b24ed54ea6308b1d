"""Build files: rules over Dockerfiles and Containerfiles, by instruction and by the commands that they run."""

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = (
    "users",
    "base_images",
    "secrets",
    "copying",
    "downloads",
    "verification",
    "privileges",
    "packages",
    "package_habits",
    "instructions",
    "stages",
    "conventions",
)
