"""SMOTE and its relatives by imbalanced-learn: one file each, over one base."""
