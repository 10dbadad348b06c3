"""The national logistic models: classes, collapsing, fitting, certificates, scoring."""
